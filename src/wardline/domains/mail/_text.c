/* The inner loops of domains/mail/squeeze.py and near_duplicates.py. Every function has a twin there with equal results; see the specifications in
 * their docstrings. Input comes from strangers: all loops are bounded by the lengths of the buffers. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define TOKEN_PLACE 4 /* a token's digest counts 2^4 times */
#define PLACES 32

/* squeeze(data, table) -> bytes: every byte through the table, then runs of spaces to one and none at either end */
static PyObject *squeeze(PyObject *self, PyObject *args)
{
    Py_buffer data, table;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*", &data, &table))
        return NULL;
    PyObject *result = NULL;
    if (table.len != 256) {
        PyErr_SetString(PyExc_ValueError, "the table must have 256 bytes");
        goto done;
    }
    result = PyBytes_FromStringAndSize(NULL, data.len);
    if (result == NULL)
        goto done;
    const uint8_t *in = data.buf, *map = table.buf;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(result);
    Py_ssize_t used = 0;
    int gap = 0;
    for (Py_ssize_t at = 0; at < data.len; at++) {
        const uint8_t byte = map[in[at]];
        if (byte == ' ') {
            gap = used > 0;
            continue;
        }
        /* Each space that is written stands for at least one that was read: the room suffices. */
        if (gap)
            out[used++] = ' ';
        gap = 0;
        out[used++] = byte;
    }
    if (used < data.len)
        _PyBytes_Resize(&result, used);
done:
    PyBuffer_Release(&data);
    PyBuffer_Release(&table);
    return result;
}

/* One more of each bit of `value`, from the given place on: 64 counters that lie across the words of `places`. */
static inline void count_bits(uint64_t *places, uint64_t value, int place)
{
    while (value != 0 && place < PLACES) {
        const uint64_t carry = places[place] & value;
        places[place] ^= value;
        value = carry;
        place++;
    }
}

/* simhash(data, digests, multiplier_1, multiplier_2) -> int, or None where nothing was kept */
static PyObject *simhash(PyObject *self, PyObject *args)
{
    Py_buffer data, digests;
    unsigned long long first, second;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*KK", &data, &digests, &first, &second))
        return NULL;
    const uint8_t *bytes = data.buf, *digest = digests.buf;
    uint64_t places[PLACES] = {0}, window = 0, kept = 0, result = 0;
    for (Py_ssize_t at = 0; at < data.len; at++) {
        window = (window >> 8) | (uint64_t)bytes[at] << 56;
        if (at < 7)
            continue;
        uint64_t mixed = (window ^ (window >> 32)) * (uint64_t)first;
        if (mixed >> 62)
            continue;
        mixed = (mixed ^ (mixed >> 32)) * (uint64_t)second;
        mixed ^= mixed >> 32;
        count_bits(places, mixed, 0);
        kept++;
    }
    for (Py_ssize_t at = 0; at + 8 <= digests.len; at += 8) {
        uint64_t value = 0;
        for (int byte = 0; byte < 8; byte++)
            value |= (uint64_t)digest[at + byte] << (8 * byte);
        count_bits(places, value, TOKEN_PLACE);
        kept += 1 << TOKEN_PLACE;
    }
    for (int bit = 0; bit < 64; bit++) {
        uint64_t ones = 0;
        for (int place = 0; place < PLACES; place++)
            ones |= ((places[place] >> bit) & 1) << place;
        result |= (uint64_t)(ones * 2 > kept) << bit;
    }
    PyBuffer_Release(&data);
    PyBuffer_Release(&digests);
    if (kept == 0)
        Py_RETURN_NONE;
    return PyLong_FromUnsignedLongLong(result);
}

static PyMethodDef methods[] = {
    {"squeeze", squeeze, METH_VARARGS, "squeeze(data, table) -> bytes"},
    {"simhash", simhash, METH_VARARGS, "simhash(data, digests, multiplier_1, multiplier_2) -> int or None"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_text", "Inner loops over the text of a message.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__text(void)
{
    return PyModule_Create(&module);
}
