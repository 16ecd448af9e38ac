"""Top suggestions and continuations of fixed prompts, as Markdown: python samples.py HEADLIGHT MODEL_FOLDER PROMPTS

Continuations are the first and only draw: 40 tokens at temperature 0.8 of the 40 best, seed 1.
"""

import argparse
import json
import subprocess
from pathlib import Path


def code(text):
    """Inline, with line breaks visible."""
    return "`" + text.replace("\n", "↵").replace("`", "'").replace("|", "¦") + "`"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("headlight", type=Path)
    parser.add_argument("model", type=Path)
    parser.add_argument("prompts", type=Path, help="one a line")
    options = parser.parse_args()
    print("| prompt | three suggestions | continuation |\n|---|---|---|")
    for prompt in options.prompts.read_text().splitlines():
        command = [options.headlight, "predict", options.model, prompt, "--top", "3", "--generate", "40", "--seed", "1"]
        command += ["--temperature", "0.8", "--json"]
        answer = json.loads(subprocess.run(command, check=True, capture_output=True).stdout)
        top = ", ".join(f"{code(item['token'].strip(' ') or ' ')} {item['probability']:.0%}" for item in answer["top"])
        print(f"| {prompt} | {top} | {code(answer['generated']['text'])} |")


if __name__ == "__main__":
    main()
