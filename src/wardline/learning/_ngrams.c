/* The inner loops of learning/ngrams.py, learning/online.py and learning/frozen.py. Every function has a twin there with equal results; see the
 * specification in ngrams.py. Input comes from strangers: all loops are bounded by the lengths of the buffers, and every row is checked against the table. */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

#define AHEAD 24
#define TABLE_COLUMNS 6 /* weight, own weight, updates, own updates, abusive, benign */

/* grams(data, size, salt, bits, base) -> bytes: the distinct rows as native uint32, in order of first appearance */
static PyObject *grams(PyObject *self, PyObject *args)
{
    Py_buffer data;
    int size, bits;
    unsigned long long salt;
    unsigned int base;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*iKiI", &data, &size, &salt, &bits, &base))
        return NULL;
    if (size < 1 || size > 7 || bits < 6 || bits > 26) {
        PyBuffer_Release(&data);
        PyErr_SetString(PyExc_ValueError, "size must be 1..7 and bits 6..26");
        return NULL;
    }
    const uint8_t *bytes = data.buf;
    Py_ssize_t length = data.len, count = length >= size ? length - size + 1 : 0, used = 0;
    uint64_t *seen = PyMem_Calloc((size_t)1 << (bits - 6), sizeof(uint64_t));
    uint32_t *rows = PyMem_Malloc((size_t)(count ? count : 1) * sizeof(uint32_t));
    PyObject *result = NULL;
    if (seen == NULL || rows == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    const uint64_t mask = ((uint64_t)1 << (8 * size)) - 1, mixed_salt = (uint64_t)salt * 0x9E3779B97F4A7C15ULL;
    uint64_t window = 0;
    for (Py_ssize_t at = 0; at < length; at++) {
        window = ((window << 8) | bytes[at]) & mask;
        if (at < size - 1)
            continue;
        uint64_t hash = window ^ mixed_salt;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9ULL;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBULL;
        hash ^= hash >> 31;
        const uint32_t row = (uint32_t)(hash >> (64 - bits));
        const uint64_t bit = (uint64_t)1 << (row & 63);
        if (seen[row >> 6] & bit)
            continue;
        seen[row >> 6] |= bit;
        rows[used++] = base + row;
    }
    result = PyBytes_FromStringAndSize((const char *)rows, used * (Py_ssize_t)sizeof(uint32_t));
done:
    PyMem_Free(seen);
    PyMem_Free(rows);
    PyBuffer_Release(&data);
    return result;
}

static int check_rows(const Py_buffer *table, const Py_buffer *rows)
{
    const uint32_t *row = rows->buf;
    const Py_ssize_t height = table->len / (Py_ssize_t)(TABLE_COLUMNS * sizeof(int32_t)), count = rows->len / (Py_ssize_t)sizeof(uint32_t);
    for (Py_ssize_t at = 0; at < count; at++)
        if ((Py_ssize_t)row[at] >= height) {
            PyErr_SetString(PyExc_IndexError, "a row lies outside the table");
            return -1;
        }
    return 0;
}

/* ln(count + alpha) from the table of the first 2^logs_bits values; larger counts are shifted down and ln 2 is added for every place */
static inline int32_t ln_of(int32_t count, const int32_t *logs, Py_ssize_t logs_size, int32_t ln2)
{
    int32_t added = 0;
    if (count < 0)
        count = 0;
    while ((Py_ssize_t)count >= logs_size) {
        count >>= 1;
        added += ln2;
    }
    return logs[count] + added;
}

/* sums(table, rows, logs, ln2, prior, clip) -> (sum of weights, sum of own weights, sum of clipped log ratios of the
 * rows that were counted) */
static PyObject *sums(PyObject *self, PyObject *args)
{
    Py_buffer table, rows, logs;
    int ln2, prior, clip;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*y*iii", &table, &rows, &logs, &ln2, &prior, &clip))
        return NULL;
    PyObject *result = NULL;
    const Py_ssize_t count = rows.len / (Py_ssize_t)sizeof(uint32_t), logs_size = logs.len / (Py_ssize_t)sizeof(int32_t);
    const uint32_t *row = rows.buf;
    const int32_t *ln = logs.buf;
    const int32_t(*cell)[TABLE_COLUMNS] = table.buf;
    int64_t weights = 0, own = 0, ratios = 0;
    if (logs_size < 2 || check_rows(&table, &rows) < 0) {
        if (!PyErr_Occurred())
            PyErr_SetString(PyExc_ValueError, "the table of logarithms is too short");
        goto done;
    }
    for (Py_ssize_t at = 0; at < count; at++) {
#if defined(__GNUC__)
        /* The rows lie scattered over a table that is larger than the caches: fetch ahead. */
        if (at + AHEAD < count)
            __builtin_prefetch(cell[row[at + AHEAD]]);
#endif
        const int32_t *values = cell[row[at]];
        weights += values[0];
        own += values[1];
        int32_t ratio = ln_of(values[4], ln, logs_size, ln2) - ln_of(values[5], ln, logs_size, ln2) - prior;
        ratio = ratio > clip ? clip : ratio < -clip ? -clip : ratio;
        ratios += (values[4] | values[5]) ? ratio : 0;
    }
    result = Py_BuildValue("LLL", (long long)weights, (long long)own, (long long)ratios);
done:
    PyBuffer_Release(&table);
    PyBuffer_Release(&rows);
    PyBuffer_Release(&logs);
    return result;
}

/* weigh(weights, rows) -> the sum of the rows' weights (int16) */
static PyObject *weigh(PyObject *self, PyObject *args)
{
    Py_buffer weights, rows;
    (void)self;
    if (!PyArg_ParseTuple(args, "y*y*", &weights, &rows))
        return NULL;
    const Py_ssize_t height = weights.len / (Py_ssize_t)sizeof(int16_t), count = rows.len / (Py_ssize_t)sizeof(uint32_t);
    const uint32_t *row = rows.buf;
    const int16_t *weight = weights.buf;
    int64_t total = 0;
    Py_ssize_t at = 0;
    for (; at < count && (Py_ssize_t)row[at] < height; at++) {
#if defined(__GNUC__)
        if (at + AHEAD < count && (Py_ssize_t)row[at + AHEAD] < height)
            __builtin_prefetch(&weight[row[at + AHEAD]]);
#endif
        total += weight[row[at]];
    }
    PyBuffer_Release(&weights);
    PyBuffer_Release(&rows);
    if (at < count) {
        PyErr_SetString(PyExc_IndexError, "a row lies outside the table");
        return NULL;
    }
    return PyLong_FromLongLong((long long)total);
}

static PyMethodDef methods[] = {
    {"grams", grams, METH_VARARGS, "grams(data, size, salt, bits, base) -> bytes"},
    {"sums", sums, METH_VARARGS, "sums(table, rows, logs, ln2, prior, clip) -> (int, int, int)"},
    {"weigh", weigh, METH_VARARGS, "weigh(weights, rows) -> int"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_ngrams", "Inner loops of the text model.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__ngrams(void)
{
    return PyModule_Create(&module);
}
