/* The cells of a burst sketch: the twin in C of burst_scale.look_plain and count_plain, for the 36 cells that every sign-up touches.

   look(seen, now, past, numbers, width, tick, ticks, busy, least) -> [(bits, count before) or None for each block]
   count(seen, now, past, numbers, width, tick, first, halves_at, speaks_from)

   seen, now: writable buffers of 32-bit integers; past: of doubles; two rows of `width` cells for each block. numbers: a list, None for an unknown
   block. The same operations in the same order as the twins, without contraction: results are equal to the last bit. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>

static const double FAR = 3.0, LN_2 = 0.693147180559945309417232121458;

typedef struct {
    Py_buffer seen_view, now_view, past_view;
    int32_t *seen, *now;
    double *past;
    Py_ssize_t width, blocks;
} Cells;

static void closed(Cells *cells) {
    PyBuffer_Release(&cells->seen_view);
    PyBuffer_Release(&cells->now_view);
    PyBuffer_Release(&cells->past_view);
}

/* 0, or -1 with an error set and nothing held. */
static int opened(Cells *cells, PyObject *seen, PyObject *now, PyObject *past, PyObject *numbers) {
    PyObject *given[3] = {seen, now, past};
    Py_buffer *views[3] = {&cells->seen_view, &cells->now_view, &cells->past_view};
    for (int place = 0; place < 3; place++) {
        if (PyObject_GetBuffer(given[place], views[place], PyBUF_WRITABLE) < 0) {
            while (place--) PyBuffer_Release(views[place]);
            return -1;
        }
    }
    cells->seen = cells->seen_view.buf;
    cells->now = cells->now_view.buf;
    cells->past = cells->past_view.buf;
    cells->blocks = PyList_GET_SIZE(numbers);
    int fits = cells->width > 0 && (!cells->blocks || cells->width <= PY_SSIZE_T_MAX / 16 / cells->blocks);
    Py_ssize_t needed = fits ? 2 * cells->width * cells->blocks : 0;
    if (!fits || cells->seen_view.len < 4 * needed || cells->now_view.len < 4 * needed || cells->past_view.len < 8 * needed) {
        closed(cells);
        PyErr_SetString(PyExc_ValueError, "fewer cells than two rows for each block");
        return -1;
    }
    return 0;
}

/* 1: both cells of a block; 0: its facts are unknown; -1: an error is set. */
static int cells_of(const Cells *cells, PyObject *numbers, Py_ssize_t block, Py_ssize_t *one, Py_ssize_t *other) {
    PyObject *number = PyList_GET_ITEM(numbers, block);
    if (number == Py_None) return 0;
    uint64_t value = PyLong_AsUnsignedLongLong(number);
    if (value == (uint64_t)-1 && PyErr_Occurred()) return -1;
    Py_ssize_t start = 2 * cells->width * block;
    *one = start + (Py_ssize_t)(value % (uint64_t)cells->width);
    *other = start + cells->width + (Py_ssize_t)((value >> 32) % (uint64_t)cells->width);
    return 1;
}

static PyObject *look(PyObject *module, PyObject *args) {
    PyObject *seen, *now, *past, *numbers;
    Cells cells;
    long long tick, ticks;
    double busy, least;
    if (!PyArg_ParseTuple(args, "OOOO!nLLdd", &seen, &now, &past, &PyList_Type, &numbers, &cells.width, &tick, &ticks, &busy, &least)) return NULL;
    if (opened(&cells, seen, now, past, numbers) < 0) return NULL;
    PyObject *found = PyList_New(cells.blocks);
    for (Py_ssize_t block = 0; found != NULL && block < cells.blocks; block++) {
        Py_ssize_t one, other;
        int known = cells_of(&cells, numbers, block, &one, &other);
        PyObject *value = NULL;
        if (!known) value = Py_NewRef(Py_None);
        if (known > 0) {
            long count = 0;
            double bits = 0.0;
            if (cells.seen[one] == tick && cells.seen[other] == tick) {
                count = cells.now[one] < cells.now[other] ? cells.now[one] : cells.now[other];
                double before = cells.past[one] <= cells.past[other] ? cells.past[one] : cells.past[other];
                double mean = before / (double)ticks * busy, all = (double)(count + 1);
                if (mean < least) mean = least;
                if (all > mean) bits = all * log2(all / mean) - (all - mean) / LN_2;
            }
            value = Py_BuildValue("(dl)", bits, count);
        }
        if (value == NULL) Py_CLEAR(found);
        else PyList_SET_ITEM(found, block, value);
    }
    closed(&cells);
    return found;
}

typedef struct {
    long long tick, first, halves_at, speaks_from;
} Times;

static long long halvings(const Times *times, long long tick) {
    long long found = (tick - times->first) / times->halves_at - 1;
    return tick < times->first || found < 0 ? 0 : found;
}

/* Bring one cell up to the running tick: its last tick's count joins the past, which is halved as often as time has gone. */
static void brought_up(const Cells *cells, const Times *times, Py_ssize_t cell) {
    long long seen = cells->seen[cell];
    if (seen >= times->tick) return;
    double past = 0.0;
    if (seen) {
        long long gone = seen - times->first, ticks = gone < 2 * times->halves_at ? gone : times->halves_at + gone % times->halves_at;
        double now = (double)cells->now[cell];
        past = cells->past[cell];
        double mean = ticks ? past / (double)ticks : 0.0;
        past += ticks < times->speaks_from || now <= FAR * (mean + 1.0) ? now : mean;
        long long halved = halvings(times, times->tick) - halvings(times, seen);
        if (halved) past *= ldexp(1.0, halved < 32 ? -(int)halved : -32);
    }
    cells->now[cell] = 0;
    cells->past[cell] = past;
    cells->seen[cell] = (int32_t)times->tick;
}

static PyObject *count(PyObject *module, PyObject *args) {
    PyObject *seen, *now, *past, *numbers;
    Cells cells;
    Times times;
    if (!PyArg_ParseTuple(args, "OOOO!nLLLL", &seen, &now, &past, &PyList_Type, &numbers, &cells.width, &times.tick, &times.first, &times.halves_at,
                          &times.speaks_from)) return NULL;
    if (times.halves_at < 1 || times.halves_at > INT32_MAX || times.tick != (int32_t)times.tick || times.first != (int32_t)times.first) {
        PyErr_SetString(PyExc_ValueError, "a tick or a half-life is out of range");
        return NULL;
    }
    if (opened(&cells, seen, now, past, numbers) < 0) return NULL;
    int known = 0;
    for (Py_ssize_t block = 0; known >= 0 && block < cells.blocks; block++) {
        Py_ssize_t one, other;
        known = cells_of(&cells, numbers, block, &one, &other);
        if (known <= 0) continue;
        brought_up(&cells, &times, one);
        brought_up(&cells, &times, other);
        /* Conservative update: no cell higher than it must be. */
        int32_t first = cells.now[one], second = cells.now[other];
        if (first <= second && first < INT32_MAX) cells.now[one] = first + 1;
        if (second <= first && second < INT32_MAX) cells.now[other] = second + 1;
    }
    closed(&cells);
    if (known < 0) return NULL;
    Py_RETURN_NONE;
}

static PyMethodDef METHODS[] = {
    {"look", look, METH_VARARGS, "See the head of this file."},
    {"count", count, METH_VARARGS, "See the head of this file."},
    {NULL, NULL, 0, NULL},
};
static struct PyModuleDef MODULE = {PyModuleDef_HEAD_INIT, "_bursts", NULL, -1, METHODS, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__bursts(void) { return PyModule_Create(&MODULE); }
