"""Count the primes of one block of 10,000 numbers: `primes.py 3` looks at 30,000 to 39,999."""

import sys
from pathlib import Path

SIZE = 10_000


def main() -> None:
    block = int(sys.argv[1])
    numbers = range(block * SIZE, (block + 1) * SIZE)
    count = sum(is_prime(number) for number in numbers)
    print(f"{count} primes from {numbers[0]} to {numbers[-1]}")
    Path("count.txt").write_text(f"{count}\n")


def is_prime(number: int) -> bool:
    return number > 1 and all(number % divisor for divisor in range(2, int(number**0.5) + 1))


main()
