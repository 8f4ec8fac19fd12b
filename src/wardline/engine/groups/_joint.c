/* Facts that stand together as numbers: the twin in C of joint.numbers_plain, for the dozen keys that every sign-up has.

   numbers(key, size, parts, facts) -> [number or None for each part]

   key: of keyed BLAKE2b (RFC 7693), empty for none. size: bytes of the digest, at most 8; the number is the digest, little-endian. parts: a tuple
   of (name, (fact, ...)); what is hashed is the name and, for each fact, "|" and its text. facts: a dict; a part with a fact that is absent or
   None has no number. Linear in the length of the facts. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

enum { BLOCK = 128, KEY_LIMIT = 64, SIZE_LIMIT = 8 };

static const uint64_t FIRST[8] = {
    0x6A09E667F3BCC908ULL, 0xBB67AE8584CAA73BULL, 0x3C6EF372FE94F82BULL, 0xA54FF53A5F1D36F1ULL,
    0x510E527FADE682D1ULL, 0x9B05688C2B3E6C1FULL, 0x1F83D9ABFB41BD6BULL, 0x5BE0CD19137E2179ULL,
};

static const unsigned char ORDER[12][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0},
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
};

typedef struct {
    uint64_t state[8], hashed;
    unsigned char waiting[BLOCK];
    size_t filled;
} Hash;

static inline uint64_t turned(uint64_t value, int bits) { return value >> bits | value << (64 - bits); }

static inline uint64_t word(const unsigned char *at) {
    uint64_t value = 0;
    for (int place = 7; place >= 0; place--) value = value << 8 | at[place];
    return value;
}

#define MIX(a, b, c, d, x, y)                                                                                                              \
    a += b + x; d = turned(d ^ a, 32); c += d; b = turned(b ^ c, 24);                                                                      \
    a += b + y; d = turned(d ^ a, 16); c += d; b = turned(b ^ c, 63)

static void compress(Hash *hash, int last) {
    uint64_t m[16], v[16];
    for (int place = 0; place < 16; place++) m[place] = word(hash->waiting + 8 * place);
    for (int place = 0; place < 8; place++) {
        v[place] = hash->state[place];
        v[place + 8] = FIRST[place];
    }
    v[12] ^= hash->hashed;
    if (last) v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const unsigned char *s = ORDER[round];
        MIX(v[0], v[4], v[8], v[12], m[s[0]], m[s[1]]);
        MIX(v[1], v[5], v[9], v[13], m[s[2]], m[s[3]]);
        MIX(v[2], v[6], v[10], v[14], m[s[4]], m[s[5]]);
        MIX(v[3], v[7], v[11], v[15], m[s[6]], m[s[7]]);
        MIX(v[0], v[5], v[10], v[15], m[s[8]], m[s[9]]);
        MIX(v[1], v[6], v[11], v[12], m[s[10]], m[s[11]]);
        MIX(v[2], v[7], v[8], v[13], m[s[12]], m[s[13]]);
        MIX(v[3], v[4], v[9], v[14], m[s[14]], m[s[15]]);
    }
    for (int place = 0; place < 8; place++) hash->state[place] ^= v[place] ^ v[place + 8];
}

/* The last block is compressed by `ended`, since it is marked: so a full one waits until something follows it. */
static void add(Hash *hash, const char *data, size_t length) {
    while (length) {
        if (hash->filled == BLOCK) {
            hash->hashed += BLOCK;
            compress(hash, 0);
            hash->filled = 0;
        }
        size_t part = BLOCK - hash->filled < length ? BLOCK - hash->filled : length;
        memcpy(hash->waiting + hash->filled, data, part);
        hash->filled += part;
        data += part;
        length -= part;
    }
}

static uint64_t ended(Hash *hash, int size) {
    hash->hashed += hash->filled;
    memset(hash->waiting + hash->filled, 0, BLOCK - hash->filled);
    compress(hash, 1);
    return size == 8 ? hash->state[0] : hash->state[0] & ((1ULL << 8 * size) - 1);
}

static int add_text(Hash *hash, PyObject *text) {
    Py_ssize_t length;
    const char *data = PyUnicode_AsUTF8AndSize(text, &length);
    if (data != NULL) {
        add(hash, data, (size_t)length);
        return 0;
    }
    if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError)) return -1;
    PyErr_Clear();
    PyObject *encoded = PyUnicode_AsEncodedString(text, "utf-8", "surrogatepass");
    if (encoded == NULL) return -1;
    add(hash, PyBytes_AS_STRING(encoded), (size_t)PyBytes_GET_SIZE(encoded));
    Py_DECREF(encoded);
    return 0;
}

/* 1: the part's facts are all known and hashed; 0: one is not; -1: an error is set. */
static int add_part(Hash *hash, PyObject *part, PyObject *facts) {
    PyObject *of = PyTuple_GET_ITEM(part, 1);
    if (add_text(hash, PyTuple_GET_ITEM(part, 0)) < 0) return -1;
    for (Py_ssize_t place = 0; place < PyTuple_GET_SIZE(of); place++) {
        PyObject *value = PyDict_GetItemWithError(facts, PyTuple_GET_ITEM(of, place));
        if (value == NULL && PyErr_Occurred()) return -1;
        if (value == NULL || value == Py_None) return 0;
        add(hash, "|", 1);
        if (PyUnicode_CheckExact(value)) {
            if (add_text(hash, value) < 0) return -1;
            continue;
        }
        Py_INCREF(value);
        PyObject *text = PyObject_Str(value);
        Py_DECREF(value);
        if (text == NULL) return -1;
        int failed = add_text(hash, text);
        Py_DECREF(text);
        if (failed) return -1;
    }
    return 1;
}

static PyObject *numbers(PyObject *module, PyObject *args) {
    const char *key;
    Py_ssize_t key_length;
    int size;
    PyObject *parts, *facts;
    if (!PyArg_ParseTuple(args, "y#iO!O!", &key, &key_length, &size, &PyTuple_Type, &parts, &PyDict_Type, &facts)) return NULL;
    if (key_length > KEY_LIMIT || size < 1 || size > SIZE_LIMIT) {
        PyErr_SetString(PyExc_ValueError, "a key of at most 64 bytes and a digest of 1 to 8 are taken");
        return NULL;
    }
    Hash begun = {.hashed = 0, .filled = 0};
    memcpy(begun.state, FIRST, sizeof FIRST);
    begun.state[0] ^= 0x01010000ULL ^ (uint64_t)key_length << 8 ^ (uint64_t)size;
    if (key_length) {
        memcpy(begun.waiting, key, (size_t)key_length);
        memset(begun.waiting + key_length, 0, BLOCK - (size_t)key_length);
        begun.filled = BLOCK;
    }
    PyObject *found = PyList_New(PyTuple_GET_SIZE(parts));
    for (Py_ssize_t place = 0; found != NULL && place < PyTuple_GET_SIZE(parts); place++) {
        PyObject *part = PyTuple_GET_ITEM(parts, place), *number = NULL;
        if (!PyTuple_Check(part) || PyTuple_GET_SIZE(part) != 2 || !PyUnicode_Check(PyTuple_GET_ITEM(part, 0)) ||
            !PyTuple_Check(PyTuple_GET_ITEM(part, 1))) {
            PyErr_SetString(PyExc_TypeError, "a part is a name and a tuple of names of facts");
        } else {
            Hash hash = begun;
            int known = add_part(&hash, part, facts);
            if (known > 0) number = PyLong_FromUnsignedLongLong(ended(&hash, size));
            else if (!known) number = Py_NewRef(Py_None);
        }
        if (number == NULL) Py_CLEAR(found);
        else PyList_SET_ITEM(found, place, number);
    }
    return found;
}

static PyMethodDef METHODS[] = {
    {"numbers", numbers, METH_VARARGS, "See the head of this file."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_joint", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__joint(void) { return PyModule_Create(&MODULE); }
