"""Texts and the ids that GPT-2's reference tokenizers give them: writes tokenizer.json next to this script.

    python tokenizer.py VOCAB_JSON MERGES_TXT

The ids come from `tokenizers` (through `transformers`) and must equal those of tiktoken, an independent
implementation, both built from the same two files. `<|endoftext|>` inside a text is the special token 50256.
"""

import json
import random
import sys
import unicodedata
from pathlib import Path

import tiktoken
from tiktoken.load import data_gym_to_mergeable_bpe_ranks
from transformers import GPT2TokenizerFast

PATTERN = r"""'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"""
END = "<|endoftext|>"

PLAIN = [
    "",
    " ",
    "a",
    "Hello, world!",
    " Hello, world!",
    "The quick brown fox jumps over the lazy dog.",
    "the THE The tHe ThE",
    "Mr. and Mrs. Dursley, of number four, Privet Drive, were proud to say",
    "e.g. i.e. etc... U.S.A. Ph.D. 5 p.m.",
    "well-known; state-of-the-art - dash \u2013 en \u2014 em \u2026 ellipsis",
    "na\u00efve caf\u00e9 \u00fcber Stra\u00dfe \u0152uvre \u0130stanbul \u0131\u015f\u0131k",
    "\u017b\u00f3\u0142ta \u0142\u00f3d\u017a p\u0159\u00edli\u0161 \u017elu\u0165ou\u010dk\u00fd k\u016f\u0148",
    "\u01c5 \u01c8 \u01cb titlecase, \u02b0\u02b1 modifiers, \u01c0\u01c1\u01c2 clicks",
]
CONTRACTIONS = [
    "I'm you're he's she'd we'll they've don't",
    "I'M YOU'RE HE'S SHE'D WE'LL THEY'VE DON'T",
    "'s 't 're 've 'm 'll 'd",
    "'S 'T 'RE 'VE 'M 'LL 'D 'Ll 'lL 'Re",
    "'s't're've'm'll'd",
    "it\u2019s don\u2019t we\u2019re I\u2019ve I\u2019m you\u2019ll he\u2019d",
    "rock 'n' roll, '90s, 'tis, y'all'd've, o'clock",
    "''s '''t ' s '1 's1 'sa 'll' 'd'",
    "dogs' tails, James's, \u02bcs \u00b4s `s \uff07s",
    "can't\nwon't\tshan't  mustn't",
]
DIGITS = [
    "0 1 12 123 1234 12345 1234567890",
    "3.14159 -2.718 1e-9 0x1F 1_000_000 1,000,000",
    "2024-02-29T23:59:59Z +1 (555) 010-9999",
    "abc123def 4th 2nd x2 H2O",
    "\u00b2\u00b3\u00b9 \u00bd\u00bc \u2160\u2163 \u2460\u2461 \u3007",
    "\u0661\u0662\u0663 \u0967\u0968\u0969 \uff11\uff12\uff13 \u0e51\u0e52",
    "9" * 50,
]
SPACES = (
    [" " * n for n in range(2, 21)]
    + ["a" + " " * n + "b" for n in (2, 3, 4, 7, 8, 16, 20)]
    + ["  leading", "     leading", "trailing ", "trailing     ", "  both  sides  ", " . ", "  !  ", "   1   "]
)
WHITESPACE = [
    "\t", "\t\t\t", "a\tb", "a\t\tb", " \ta", "\t a",
    "\n", "\n\n", "\n\n\n\n", "a\nb", "a\n\nb", "a \nb", "a\n b", "a\n  b", "a\n\n  b  \n\n",
    "\r", "\r\n", "\r\n\r\n", "line one\r\nline two\r\n", "a\rb", "\n\r\n\r",
    "\t \n \t\r\n  x", "\v\f", "a\vb\fc", " \n \n ", "end\n", "end \n", "end\n ",
    "a\u00a0b", "\u00a0\u00a0", " \u00a0 x", "a\u00a0 b", "a \u00a0b",
    "a\u1680b\u2000c\u2001d\u2002e\u2003f\u2004g\u2005h\u2006i",
    "a\u2007b\u2008c\u2009d\u200ae\u202ff\u205fg\u3000h",
    "\u3000\u3000x\u3000 y", "a\u2028b\u2029c", "a\u0085b", "\x1c\x1d\x1e\x1f",
    "a\u200bb\u200cc\u200dd\u2060e\ufefff", "\u200b \u200b", "\ufeffByte order mark", "\u180e \u00ad soft\u00adhyphen",
]
EMOJI = [
    "\U0001f600", "hi \U0001f600 there", "\U0001f600\U0001f601\U0001f602",
    "\U0001f468\u200d\U0001f469\u200d\U0001f467\u200d\U0001f466 family",
    "\U0001f469\U0001f3fd\u200d\U0001f680 \U0001f44d\U0001f3ff\U0001f44d\U0001f3fb",
    "\U0001f1eb\U0001f1f7\U0001f1ef\U0001f1f5 \U0001f3f4\U000e0067\U000e0062\U000e0073\U000e0063\U000e0074\U000e007f",
    "\u2764\ufe0f \u2764\ufe0e \u2764 1\ufe0f\u20e3 \u00a9\ufe0f",
    "\U0001f3f3\ufe0f\u200d\U0001f308 \u267e\ufe0f \u2603",
]
SCRIPTS = [
    "\u00e9 e\u0301 \u00f1 n\u0303 \u00c5 A\u030a \u212b", "\uac00 \u1100\u1161 \ud55c\uae00 \uc548\ub155\ud558\uc138\uc694",
    "Z\u0351\u036b\u0343a\u0328\u0319l\u0362\u0325g\u0321\u0355o\u0322\u0331", "\u0301alone \u0301", "q\u0323\u0307 q\u0307\u0323",
    "\u0645\u0631\u062d\u0628\u0627 \u0628\u0627\u0644\u0639\u0627\u0644\u0645", "\u0627\u0644\u0633\u0651\u064e\u0644\u064e\u0627\u0645\u064f \u0639\u064e\u0644\u064e\u064a\u0652\u0643\u064f\u0645\u0652",
    "\u05e9\u05c1\u05b8\u05dc\u05d5\u05b9\u05dd \u05e2\u05d5\u05dc\u05dd", "\u200fRTL\u200e \u202eoverride\u202c",
    "\u4f60\u597d\uff0c\u4e16\u754c\u3002", "\u3053\u3093\u306b\u3061\u306f\u4e16\u754c \u30ab\u30bf\u30ab\u30ca \uff76\uff80", "\U00020000\U0002a6d6 \u9f98",
    "\u0928\u092e\u0938\u094d\u0924\u0947 \u0926\u0941\u0928\u093f\u092f\u093e", "\u0e2a\u0e27\u0e31\u0e2a\u0e14\u0e35\u0e0a\u0e32\u0e27\u0e42\u0e25\u0e01", "\u0bb5\u0ba3\u0b95\u0bcd\u0b95\u0bae\u0bcd \u0b89\u0bb2\u0b95\u0bae\u0bcd",
    "\u041f\u0440\u0438\u0432\u0435\u0442, \u043c\u0438\u0440! \u0419 \u0418\u0306", "\u0393\u03b5\u03b9\u03ac \u03c3\u03bf\u03c5 \u039a\u03cc\u03c3\u03bc\u03b5", "\u10d2\u10d0\u10db\u10d0\u10e0\u10ef\u10dd\u10d1\u10d0 \u0532\u0561\u0580\u0587 \u12a5\u1295\u12f0\u121d\u1295",
    "\U0001d400\U0001d401\U0001d402 \U0001d7ce\U0001d7cf \U0001d4b3 \u211d \u2200x\u2208\u2115: \u2211x\u00b2 \u2264 \u221e",
    "\U00010330\U00010331 \U00012000\U00012001 \U00013000", "\u2840\u2841 \u2580\u2588 \u2500\u253c \u266b",
]
ODD = [
    "\0", "a\0b", "\0\0\0", "".join(map(chr, range(32))), "\x7f\x80\x81\x9f", "\x1b[31mred\x1b[0m",
    "".join(map(chr, range(32, 127))), " ".join(map(chr, range(33, 127))), "".join(map(chr, range(0xa0, 0x100))),
    "\ud7ff\ue000", "\ue000\uf8ff \U000f0000\U0010fffd", "\ufffd \ufffe \uffff \U0010ffff", "\ufdd0\ufdef \u0378",
    *"!?.,;:-_#@&*/\\'\"`~^|<>(){}[]", "!!!???...", "---", "=====", "#" * 33, ". . .", "(' \"", "$%&", "\u00a1\u00bf\u00ab\u00bb",
    "a" * 100, "A" * 37, "ab" * 64, "ha" * 21 + "!", " a" * 30, "e\u0301" * 20, "\U0001f600" * 10,
    "pneumonoultramicroscopicsilicovolcanoconiosis", "Donaudampfschifffahrtselektrizit\u00e4tenhauptbetriebswerkbauunterbeamtengesellschaft",
    "SolidGoldMagikarp rawdownloadcloneembedreportprint", "xqzjvkwpfbgh" * 8,
]
CODE = [
    "fn main() {\n    let x: Vec<u8> = vec![0; 16];\n    println!(\"{x:?}\");\n}\n",
    "def f(x):\n\treturn x**2 if x != 0 else None  # comment\n",
    "for(let i=0;i<n;++i){a[i]??=b?.c=>d}", "<div class=\"a\">&nbsp;</div>\r\n<!-- x -->",
    "{\"key\": [1, 2.5, null, true], \"s\": \"\\u00e9\\n\"}", "SELECT * FROM t WHERE id='1' -- drop",
    "https://example.org/a/b?c=d&e=%20f#g", "www.example.com:8080/~user mailto:a.b+c@example.co.uk", "C:\\dir\\file.txt /usr/bin/env",
    "| a | b |\n|---|---|\n| 1 | 2 |", "**bold** _it_ `code` [x](y) ~~z~~",
]
SPECIAL = [
    END, END + END, "a" + END + "b", "a " + END + " b", "one\n" + END + "\ntwo", " " + END, END + " ",
    "<|endoftext", "<|ENDOFTEXT|>", "<| endoftext |>", "|endoftext|>", "don't" + END + "'t",
]


def random_texts(seed=7):
    """Valid code points of every plane; strings of neighbours from one block; and the awkward ones mixed."""
    r = random.Random(seed)

    def known(c):  # surrogates cannot be encoded; code points new in Unicode may differ between implementations
        return unicodedata.ucd_3_2_0.category(c) not in ("Cs", "Cn")

    pool = [chr(c) for c in range(0x110000) if known(chr(c))]
    bmp = [c for c in pool if c < "\u3000"]
    awkward = list(" \t\n\r'`sdtmrelv1.\u00a0\u2019\u0301\u200d\u3000\U0001f600a\u00e9\u4e16\u00b2\u0661")
    for _ in range(10):
        yield "".join(r.choices(pool, k=24))
        yield "".join(r.choices(bmp, k=24))
        start = r.randrange(len(bmp) - 20)
        yield "".join(bmp[start:start + 20])
    for _ in range(20):
        yield "".join(r.choices(awkward, k=32))


def main(vocab_file, merges_file):
    vocab = json.loads(Path(vocab_file).read_text("utf-8"))
    merges = [tuple(line.split()) for line in Path(merges_file).read_text("utf-8").splitlines()[1:] if line]
    reference = GPT2TokenizerFast(vocab=vocab, merges=merges)
    second = tiktoken.Encoding("gpt2", pat_str=PATTERN, special_tokens={END: vocab[END]},
                               mergeable_ranks=data_gym_to_mergeable_bpe_ranks(merges_file, vocab_file))
    texts = list(dict.fromkeys(PLAIN + CONTRACTIONS + DIGITS + SPACES + WHITESPACE + EMOJI + SCRIPTS + ODD + CODE
                               + SPECIAL + list(random_texts())))
    lines, differ = [], []
    for text in texts:
        ids = reference.encode(text, add_special_tokens=False)
        if ids != second.encode(text, allowed_special="all"):
            differ.append(text)
        assert reference.decode(ids, clean_up_tokenization_spaces=False) == text, ascii(text)
        lines.append(json.dumps({"text": text, "ids": ids}))  # ASCII only: no editor or git setting can change it
    if differ:
        sys.exit("the references differ on:\n" + "\n".join(map(ascii, differ)))
    out = Path(__file__).resolve().parent / "tokenizer.json"
    out.write_bytes(("[\n" + ",\n".join(lines) + "\n]\n").encode())
    print(f"{len(texts)} texts, {sum(len(json.loads(x)['ids']) for x in lines)} ids")


if __name__ == "__main__":
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    main(*sys.argv[1:])
