#!/usr/bin/env python3
"""Writes corpus/<target>/: small files, good and bad, that start the fuzzers and that the unit tests go through.

Standard library only. Run: python3 make_corpus.py. The output is committed. Names that begin with ok_ or end in _ok
must load; every other safetensors, GGUF, torch and tokenizer file must be refused.
"""
import collections
import gzip
import io
import json
import pathlib
import pickle
import struct
import sys
import types
import zipfile

CORPUS = pathlib.Path(__file__).parent / "corpus"


def put(target, name, data):
    folder = CORPUS / target
    folder.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(data if isinstance(data, bytes) else data.encode())


# safetensors

def floats(*values):
    return struct.pack(f"<{len(values)}f", *values)


def entry(dtype, shape, begin, end):
    return {"dtype": dtype, "shape": shape, "data_offsets": [begin, end]}


def safetensors(name, header, data=b"", length=None):
    text = header if isinstance(header, str) else json.dumps(header, separators=(",", ":"))
    size = len(text.encode()) if length is None else length
    put("safetensors", name + ".safetensors", struct.pack("<Q", size) + text.encode() + data)


def make_safetensors():
    two = {"a": entry("F32", [2], 0, 8), "b": entry("F32", [1], 8, 12)}
    data = floats(1, -2, 0.5)
    safetensors("F00_ok", two, data)
    safetensors("F01_truncated", two, data[:-2])
    safetensors("F02_overlap", {"a": entry("F32", [2], 0, 8), "b": entry("F32", [2], 4, 12)}, data)
    safetensors("F03_header_len_max", "{}", data, 2**64 - 1)
    safetensors("F04_header_len_100MB1", "{}", b"", 100_000_001)
    safetensors("F05_zero_size_ok", {"e": entry("F32", [0, 4], 0, 0), "a": entry("F32", [1], 0, 4)}, floats(7))
    one = '"a":{"dtype":"F32","shape":[1],"data_offsets":[%d,%d]}'
    safetensors("F06_duplicate_name", "{" + one % (0, 4) + "," + one % (4, 8) + "}", floats(1, 2))
    safetensors("F07_unknown_dtype", {"a": entry("F12", [2], 0, 3)}, b"abc")
    safetensors("F08_shape_mismatch", {"a": entry("F32", [1000, 1000], 0, 4)}, floats(1))
    safetensors("F09_trailing_bytes", {"a": entry("F32", [1], 0, 4)}, floats(1) + b"tail")
    safetensors("F10_bad_first_byte", " {" + one % (0, 4) + "}", floats(1))
    safetensors("F11_product_overflow", {"a": entry("U8", [2**32, 2**32], 0, 0)})
    safetensors("ok_all_types", {
        "b": entry("BOOL", [2], 0, 2), "u": entry("U8", [2], 2, 4), "i": entry("I8", [2], 4, 6),
        "s": entry("I16", [1], 6, 8), "h": entry("F16", [1], 8, 10), "g": entry("BF16", [1], 10, 12),
        "n": entry("I32", [1], 12, 16), "f": entry("F32", [], 16, 20), "d": entry("F64", [1], 20, 28),
        "l": entry("I64", [1, 1], 28, 36), "__metadata__": {"format": "pt", "note": 'a "b" \u00e9\n'}},
        bytes(range(36)))
    safetensors("ok_no_tensors", "{}      ")
    safetensors("hole", {"a": entry("F32", [1], 0, 4), "b": entry("F32", [1], 8, 12)}, data)
    safetensors("backwards", {"a": entry("F32", [1], 4, 0)}, floats(1))
    safetensors("empty_header", "")
    safetensors("header_array", "{[]}")
    safetensors("float8", {"a": entry("F8_E4M3", [1], 0, 1)}, b"a")
    safetensors("negative_size", '{"a":{"dtype":"F32","shape":[-1],"data_offsets":[0,4]}}', floats(1))
    safetensors("float_size", '{"a":{"dtype":"F32","shape":[1.0],"data_offsets":[0,4]}}', floats(1))
    safetensors("huge_size", '{"a":{"dtype":"F32","shape":[9223372036854775808],"data_offsets":[0,4]}}', floats(1))
    safetensors("overflow_behind_zero", {"a": entry("U8", [0, 2**62, 4], 0, 0)})
    safetensors("three_offsets", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,2,4]}}', floats(1))
    safetensors("no_dtype", '{"a":{"shape":[1],"data_offsets":[0,4]}}', floats(1))
    safetensors("no_shape", '{"a":{"dtype":"F32","data_offsets":[0,4]}}', floats(1))
    safetensors("unknown_key", '{"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}}', floats(1))
    safetensors("duplicate_key", '{"a":{"dtype":"F32","dtype":"F32","shape":[1],"data_offsets":[0,4]}}', floats(1))
    safetensors("duplicate_metadata", '{"__metadata__":{"k":"1","k":"2"}}')
    safetensors("metadata_number", '{"__metadata__":{"k":1}}')
    safetensors("tensor_null", '{"a":null}')
    safetensors("nested", "{" + '"a":{' * 40)
    safetensors("zero_byte", '{}\0{"a":1}')
    put("safetensors", "not_utf8.safetensors", struct.pack("<Q", 8) + b'{"\xe9":{}}')
    safetensors("bad_checksum", {"__metadata__": {"hone.xxh3": "0123456789abcdef"}, "a": entry("F32", [1], 0, 4)},
                floats(1))
    safetensors("short_checksum", {"__metadata__": {"hone.xxh3": "0"}})
    put("safetensors", "empty.safetensors", b"")
    put("safetensors", "seven_bytes.safetensors", b"\2\0\0\0\0\0\0")


# GGUF

U32, F32, BOOL, STRING, ARRAY = 4, 6, 7, 8, 9


def text(value):
    raw = value.encode() if isinstance(value, str) else value
    return struct.pack("<Q", len(raw)) + raw


def pair(key, kind, payload):
    return text(key) + struct.pack("<I", kind) + payload


def tensor(name, shape, kind=0, offset=0):
    return text(name) + struct.pack("<I", len(shape)) + struct.pack(f"<{len(shape)}Q", *shape) + struct.pack(
        "<IQ", kind, offset)


ARCHITECTURE = pair("general.architecture", STRING, text("llama"))
EIGHT = floats(*range(8))


def gguf(name, pairs, tensors, data=b"", align=32, magic=b"GGUF", version=3, pair_count=None, tensor_count=None):
    head = magic + struct.pack("<IQQ", version,
                               len(tensors) if tensor_count is None else tensor_count,
                               len(pairs) if pair_count is None else pair_count)
    head += b"".join(pairs) + b"".join(tensors)
    if align:
        head += b"\0" * (-len(head) % align)
    put("gguf", name + ".gguf", head + data)


def tokenizer_pairs():
    tokens = ["<s>", "</s>", "a", "b", "\u0120c", ""]
    strings = struct.pack("<IQ", STRING, len(tokens)) + b"".join(map(text, tokens))
    types = struct.pack("<IQ", 5, len(tokens)) + struct.pack(f"<{len(tokens)}i", 3, 3, 1, 1, 1, 1)
    scores = struct.pack("<IQ", F32, len(tokens)) + floats(0, 0, -1, -2, -3, -4)
    return [
        ARCHITECTURE,
        pair("llama.block_count", U32, struct.pack("<I", 2)),
        pair("llama.rope.freq_base", F32, floats(10000)),
        pair("tokenizer.ggml.add_bos_token", BOOL, b"\1"),
        pair("tokenizer.ggml.tokens", ARRAY, strings),
        pair("tokenizer.ggml.token_type", ARRAY, types),
        pair("tokenizer.ggml.scores", ARRAY, scores),
    ]


def make_gguf():
    one = [tensor("t", [8])]
    gguf("F13_ok", [ARCHITECTURE], one, EIGHT)
    gguf("F13_bad_magic", [ARCHITECTURE], one, EIGHT, magic=b"GGML")
    gguf("F13_version_99", [ARCHITECTURE], one, EIGHT, version=99)
    gguf("F14_kv_count_2_60", [ARCHITECTURE], one, EIGHT, pair_count=2**60)
    gguf("F14_tensor_count_2_63", [ARCHITECTURE], one, EIGHT, tensor_count=2**63)
    gguf("F15_string_len_max", [struct.pack("<Q", 2**64 - 1) + b"a key that ends here"], [], b"", align=0)
    gguf("F16_type_99", [ARCHITECTURE], [tensor("t", [8], 99)], EIGHT)
    gguf("F17_offset_past_eof", [ARCHITECTURE], [tensor("t", [8], 0, 2**20)], EIGHT)
    gguf("F18_ndims_5", [ARCHITECTURE], [tensor("t", [2, 2, 2, 1, 1])], EIGHT)
    gguf("F19_dims_overflow", [ARCHITECTURE], [tensor("t", [2**32, 2**32])], EIGHT)
    for label, value in (("0", 0), ("2_31", 2**31)):
        alignment = pair("general.alignment", U32, struct.pack("<I", value))
        gguf(f"F20_alignment_{label}", [ARCHITECTURE, alignment], one, EIGHT)
    gguf("F21_duplicate_tensor", [ARCHITECTURE], one * 2, EIGHT * 2)
    gguf("F22_array_count_huge", [pair("list", ARRAY, struct.pack("<IQ", U32, 2**40))], [], b"", align=0)
    gguf("ok_version_2", [ARCHITECTURE], one, EIGHT, version=2)
    gguf("ok_no_tensors", [ARCHITECTURE], [], b"", align=0)
    gguf("ok_tokenizer", tokenizer_pairs(), [tensor("t", [4, 2]), tensor("s", [], 0, 32)], EIGHT + floats(3))
    gguf("ok_alignment_64", [pair("general.alignment", U32, struct.pack("<I", 64))], one, EIGHT, align=64)
    gguf("version_1", [ARCHITECTURE], one, EIGHT, version=1)
    gguf("big_endian", [ARCHITECTURE], one, EIGHT, version=3 << 24)
    gguf("alignment_24", [pair("general.alignment", U32, struct.pack("<I", 24))], one, EIGHT)
    gguf("alignment_string", [pair("general.alignment", STRING, text("32"))], one, EIGHT)
    gguf("duplicate_key", [ARCHITECTURE] * 2, one, EIGHT)
    gguf("overlap", [ARCHITECTURE], [tensor("t", [16]), tensor("u", [8], 0, 32)], EIGHT * 2)
    gguf("unaligned_offset", [ARCHITECTURE], [tensor("t", [4], 0, 4)], EIGHT)
    gguf("offset_wraps", [ARCHITECTURE], [tensor("t", [8], 0, 2**64 - 32)], EIGHT)
    gguf("iq4_xs", [ARCHITECTURE], [tensor("t", [256], 23)], bytes(136))
    gguf("row_no_block", [ARCHITECTURE], [tensor("t", [33], 8)], bytes(64))
    gguf("value_type_77", [pair("k", 77, b"\0\0\0\0")], one, EIGHT)
    gguf("array_type_77", [pair("k", ARRAY, struct.pack("<IQ", 77, 0))], one, EIGHT)
    gguf("array_of_arrays", [pair("k", ARRAY, struct.pack("<IQ", ARRAY, 0))], one, EIGHT)
    gguf("bool_2", [pair("k", BOOL, b"\2")], one, EIGHT)
    gguf("bools_2", [pair("k", ARRAY, struct.pack("<IQ", BOOL, 2) + b"\1\2")], one, EIGHT)
    gguf("truncated_data", [ARCHITECTURE], one, EIGHT[:-1])
    put("gguf", "empty.gguf", b"")
    put("gguf", "magic_only.gguf", b"GGUF")


# JSON and JSONL

def make_json():
    put("json", "ok_object.json", '{"b":1,"a":[true,false,null,-2,1.5e3,"x\\u00e9\\ud83d\\ude00"],"c":{}}')
    put("json", "ok_numbers.json", "[0,-0,18446744073709551615,-9223372036854775808,123456789012345678901234,5e-324]")
    put("json", "ok_deep.json", "[" * 200 + "]" * 200)
    put("json", "too_deep.json", "[" * 300 + "]" * 300)
    put("json", "open.json", "[" * 5000)
    put("json", "duplicate.json", '{"a":1,"a":2}')
    put("json", "out_of_range.json", "1e400")
    put("json", "nan.json", '{"a":NaN}')
    put("json", "lone_high.json", '"\\ud800"')
    put("json", "lone_low.json", '"\\udc00x"')
    put("json", "zero_byte.json", b"1\0 2")
    put("json", "latin1.json", b'{"a":"caf\xe9"}')
    put("json", "raw_surrogate.json", b'"\xed\xa0\x80"')
    put("json", "bom.json", b'\xef\xbb\xbf{"a":1}')


def make_jsonl():
    rows = '{"id":1}\n{"id":2}\n\n{"id":3}'
    put("jsonl", "ok_lines.jsonl", rows)
    put("jsonl", "ok_crlf.jsonl", b"\xef\xbb\xbf" + rows.replace("\n", "\r\n").encode())
    put("jsonl", "ok_separators.jsonl", '{"a":"x\u2028y\u0085z"}\n')
    packed = gzip.compress(rows.encode(), mtime=0)
    put("jsonl", "ok_members.jsonl.gz", gzip.compress(b'{"id":0}\n', mtime=0) + packed)
    put("jsonl", "truncated.jsonl.gz", packed[:-6])
    put("jsonl", "damaged.jsonl.gz", packed[:14] + b"\xff\xff" + packed[16:])
    put("jsonl", "trailing.jsonl.gz", packed + b"tail")
    put("jsonl", "magic.jsonl.gz", b"\x1f\x8b")
    put("jsonl", "bad_line.jsonl", '{"id":1}\n{"id":2,}\n')
    put("jsonl", "latin1.jsonl", b'{"id":1}\n{"id":"caf\xe9"}\n')



# tokenizer.json and chat templates

END_TOKEN = {"id": 7, "content": "<e>", "single_word": False, "lstrip": False, "rstrip": True, "normalized": False,
             "special": True}
BPE = {"type": "BPE", "unk_token": "?", "fuse_unk": False, "merges": [["a", "b"], "b b", ["ab", "a"]],
       "vocab": {"?": 0, "a": 1, "b": 2, " ": 3, "ab": 4, "aba": 5, "bb": 6}}


def make_tokenizer():
    def tokenizer(name, **parts):
        file = {"version": "1.0", "added_tokens": [END_TOKEN], "normalizer": None, "pre_tokenizer": None,
                "post_processor": None, "decoder": None, "model": BPE}
        put("tokenizer", f"{name}.json", json.dumps({**file, **parts}))

    split = {"type": "Split", "pattern": {"Regex": r"\s+|[^\s]+"}, "behavior": "Isolated", "invert": False}
    byte_level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    end = {"type": "TemplateProcessing",
           "single": [{"Sequence": {"id": "A", "type_id": 0}}, {"SpecialToken": {"id": "<e>", "type_id": 0}}],
           "special_tokens": {"<e>": {"id": "<e>", "ids": [7], "tokens": ["<e>"]}}}
    replace = {"type": "Replace", "pattern": {"String": "z"}, "content": "a"}
    tokenizer("ok_plain")
    tokenizer("ok_pipeline", normalizer={"type": "Sequence", "normalizers": [{"type": "NFC"}, replace]},
              pre_tokenizer=split, post_processor=end, decoder={"type": "Fuse"})
    tokenizer("ok_byte_level", pre_tokenizer=byte_level, decoder=byte_level)
    tokenizer("ok_digits", pre_tokenizer={"type": "Sequence", "pretokenizers": [
        {"type": "Digits", "individual_digits": True}, byte_level]})
    tokenizer("ok_metaspace", pre_tokenizer={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first",
                                          "split": False},
              decoder={"type": "Metaspace", "replacement": "\u2581", "prepend_scheme": "first"})
    fallback = {**BPE, "byte_fallback": True, "fuse_unk": True,
                "vocab": {**BPE["vocab"], **{f"<0x{i:02X}>": 8 + i for i in range(256)}}}
    tokenizer("ok_byte_fallback", model=fallback,
              normalizer={"type": "Prepend", "prepend": "\u2581"},
              decoder={"type": "Sequence", "decoders": [replace, {"type": "ByteFallback"}, {"type": "Fuse"},
                                                        {"type": "Strip", "content": " ", "start": 1, "stop": 0}]})
    tokenizer("unknown_model", model={"type": "WordPiece", "vocab": {"a": 0}})
    tokenizer("bad_merge", model={**BPE, "merges": ["a q"]})
    tokenizer("negative_id", model={**BPE, "vocab": {"a": -1}})


def make_template():
    def template(name, source):
        put("template", f"{name}.jinja", source)

    template("chatml", "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m.content + '<|im_end|>\n' }}"
             "{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}")
    template("system", "{%- if messages[0].role == 'system' -%}{%- set s = messages[0].content | trim -%}"
             "{%- set messages = messages[1:] -%}{%- endif -%}{{ bos_token ~ s }}{# end #}")
    template("think", "{% set ns = namespace(last=-1) %}{% for m in messages[::-1] %}{% if m.role == 'user' and ns.last"
             " < 0 %}{% set ns.last = messages | length - loop.index %}{% break %}{% endif %}{% endfor %}"
             "{{ ns.last }}{{ messages[-1].content.split('</think>')[-1].lstrip('\n') }}")
    template("macro", "{% macro f(x, y='b') %}[{{ x }}{{ y }}]{% endmacro %}{{ f('a') }}{{ f(1, y=2) }}{% filter upper %}"
             "a{% endfilter %}{% call f('c') %}d{% endcall %}")
    template("raise", "{% if messages | length > 1 %}{{ raise_exception('no ' ~ messages[0].role) }}{% endif %}")
    template("json", "{{ messages | tojson(indent=2) }}{{ {'b': 1, 'a': [1.5, none, 'é']} | tojson(sort_keys=true) }}")
    template("numbers", "{{ 7 // 2 }} {{ -7 % 3 }} {{ 2 ** 10 }} {{ '%05.2f|%x' % (3.14159, 255) }} "
             "{{ '{:>8}|{:,}'.format('a', 12345) }} {{ (1, 2) + (3,) }} {{ 1 if 2 > 1 else 0 }}")
    template("filters", "{{ [3, 1, 2] | sort | join(',') }}{{ messages | map(attribute='role') | list | unique | first }}"
             "{{ messages | selectattr('role', 'equalto', 'user') | list | length }}{{ 'a b' | title | indent(2, true) }}")
    template("loops", "{% for i in range(3) recursive %}{{ loop.index0 }}{% if i == 1 %}{% continue %}{% endif %}"
             "{{ loop.cycle('a', 'b') }}{% else %}none{% endfor %}")
    template("endless", "{% for i in range(100000) %}{% for j in range(100000) %}x{% endfor %}{% endfor %}")
    template("generation", "{% generation %}{{ messages[0].content }}{% endgeneration %}{% raw %}{{ }}{% endraw %}")
    template("control_characters", "{{ '%8\r\n2f' % 3 }}")
    template("open", "{% for m in messages %}{{ m.")


# files of torch.save, made without torch

class Storage:
    def __init__(self, kind, key, count):
        self.kind, self.key, self.count = kind, key, count


def fake_torch():
    """Modules with the names that torch.save writes; nothing in them is called."""
    torch, utils = types.ModuleType("torch"), types.ModuleType("torch._utils")
    for kind in ("FloatStorage", "HalfStorage", "LongStorage", "ComplexFloatStorage"):
        setattr(torch, kind, type(kind, (), {"__module__": "torch"}))

    def _rebuild_tensor_v2(*_):
        pass

    _rebuild_tensor_v2.__module__, _rebuild_tensor_v2.__qualname__ = "torch._utils", "_rebuild_tensor_v2"
    utils._rebuild_tensor_v2 = _rebuild_tensor_v2
    torch._utils = utils
    sys.modules.update({"torch": torch, "torch._utils": utils})
    return torch


class Tensor:
    def __init__(self, storage, offset, size, stride):
        self.parts = (storage, offset, size, stride, False, collections.OrderedDict())

    def __reduce__(self):
        return sys.modules["torch._utils"]._rebuild_tensor_v2, self.parts


class Pickler(pickle.Pickler):
    def persistent_id(self, obj):
        if not isinstance(obj, Storage):
            return None
        return "storage", getattr(sys.modules["torch"], obj.kind), obj.key, "cpu", obj.count


def pickled(value, protocol=2):
    out = io.BytesIO()
    Pickler(out, protocol).dump(value)
    return out.getvalue()


def make_torch():
    fake_torch()
    numbers = Storage("FloatStorage", "0", 6)
    good = {"a": Tensor(numbers, 0, (2, 3), (3, 1)), "b": Tensor(numbers, 2, (2,), (2,)), "c": Tensor(numbers, 0, (), ())}
    storage = floats(0, 1, 2, 3, 4, 5)

    def put_zip(name, data, storages=None, compression=zipfile.ZIP_STORED, order=b"little", folder="archive"):
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w", compression) as archive:
            def add(entry, content):
                archive.writestr(zipfile.ZipInfo(f"{folder}/{entry}"), content, compression)

            if data is not None:
                add("data.pkl", data)
            add("byteorder", order)
            for key, content in (storages or {"0": storage}).items():
                add(f"data/{key}", content)
        put("torch", f"{name}.bin", out.getvalue())
        return out.getvalue()

    def put_tensor(name, tensor):
        put_zip(name, pickled({"a": tensor}))

    whole = put_zip("ok_protocol_2", pickled(good))
    put_zip("ok_protocol_5", pickled(good, 5), folder="other name")
    ordered = collections.OrderedDict(good)
    ordered._metadata = collections.OrderedDict({"": {"version": 1}})
    put_zip("ok_ordered", pickled(ordered))
    put_zip("ok_empty_tensor", pickled({"a": Tensor(numbers, 6, (0, 4), (4, 1))}))
    put_zip("system", pickled({"a": 1}).replace(b"K\x01", b"cos\nsystem\nX\x04\x00\x00\x00true\x85R"))
    put_zip("nested", pickled({"state_dict": good, "epoch": 3}))
    put_zip("number", pickled({"a": 3}))
    put_zip("list", pickled([1, 2]))
    put_zip("missing_storage", pickled({"a": Tensor(Storage("FloatStorage", "7", 6), 0, (2,), (1,))}))
    put_zip("short_storage", pickled(good), {"0": storage[:-4]})
    put_zip("complex", pickled({"a": Tensor(Storage("ComplexFloatStorage", "0", 3), 0, (3,), (1,))}))
    put_tensor("outside", Tensor(numbers, 0, (2, 4), (4, 1)))
    put_tensor("outside_by_offset", Tensor(numbers, 5, (2,), (1,)))
    put_tensor("negative_stride", Tensor(numbers, 5, (2,), (-1,)))
    put_tensor("negative_offset", Tensor(numbers, -1, (2,), (1,)))
    put_tensor("overflow", Tensor(numbers, 0, (2**62, 2**62), (2**62, 1)))
    put_tensor("more_strides", Tensor(numbers, 0, (2,), (1, 1)))
    put_zip("no_pickle", None)
    put_zip("big_endian", pickled(good), order=b"big")
    put_zip("compressed", pickled(good), compression=zipfile.ZIP_DEFLATED)
    put_zip("cut_pickle", pickled(good)[:-9])
    put_zip("loop", b"\x80\x02]q\x00h\x00a.")
    put_zip("many_values", b"\x80\x02" + b"N" * 3000 + b".")
    put("torch", "truncated.bin", whole[:-30])
    put("torch", "old.bin", b"\x80\x02\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19.")
    put("torch", "empty.bin", b"")


def make_rows():
    """The first byte picks the layout (JSONL, array, CSV, TSV, text), the second the size of a read."""
    rows = {
        "jsonl": b'\x00\x05\xef\xbb\xbf{"prompt":"a","completion":"b"}\r\n\n{"text":"c"}',
        "array": b'\x01\x03 [{"chosen":"\\n\\nHuman: a\\n\\nAssistant: b","rejected":"\\n\\nHuman: a\\n\\nAssistant: c"} ,\n'
                 b'{"messages":[{"role":"user","content":"\\"]"}]} ]\n',
        "csv": b'\x02\x07prompt,completion\r\n"a, ""b""","c\nd"\n\n e ,f',
        "tsv": b'\x03\x02text\tid\n"a"\t1\n',
        "text": b'\x04\x01 one \n\ntwo\xc3\xa9\n',
        "open_array": b'\x01\x01[{"a":"]',
        "open_quote": b'\x02\x01a,b\n"c,d\n',
    }
    for name, data in rows.items():
        put("rows", name, data)


if __name__ == "__main__":
    make_safetensors()
    make_gguf()
    make_json()
    make_jsonl()
    make_rows()
    make_tokenizer()
    make_template()
    make_torch()
