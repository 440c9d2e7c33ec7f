"""What screens say, as lines of spans. Pure: no Textual, no clock, no manager."""
