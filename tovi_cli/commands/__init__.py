"""The verbs, one file for each noun or family. A verb parses, makes one call and hands the result to output."""
