/* One login more in an account's habits: the twin in C of habits.add_plain, for every login that ended well and for every restart.

   add(packed, keys, day, confirmed, doubted, bounds) -> (packed, [keys not yet used that day], whether it is the day's first login)

   packed: 64-bit little-endian numbers in ascending order, key << 32 | count << 22 | first day << 11 | last day. keys: one for each level, 0 for
   unknown; a level's keys begin with its number in the upper 4 bits, and one at DEVICE has the bit IDENTIFIED where it names an identifier. bounds: how many values of each level are kept (a byte each), then
   the numbers of habits.py in the order of the enumeration below (32 bits each, in the machine's order). Bounded by the length of packed: an
   insertion moves what lies behind it, a few hundred entries at most for what `add` made. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>

enum { SYSTEM = 7, DEVICE = 10, LEVELS = 14, TODAY, SHIFT = 28, DAYS = 2048, COUNT_SHIFT = 22, FIRST_SHIFT = 11 };
enum { LOGINS_A_DAY, HALVE_AT, STALE_DAYS, CONFIRMING_DAYS, YOUNG_LOGINS, DOUBTED_DAYS, NUMBERS };
#define IDENTIFIED ((uint32_t)1 << (SHIFT - 1))
#define KEY_MASK (((uint32_t)1 << SHIFT) - 1)
#define DAY_MASK ((uint32_t)DAYS - 1)
#define COUNT_ONE ((uint32_t)1 << COUNT_SHIFT)
#define COUNT_LIMIT ((uint32_t)1023)
#define COUNT_FULL (COUNT_LIMIT << COUNT_SHIFT)

typedef struct {
    uint32_t key, entry;
} Habit;

typedef struct {
    Habit *at;
    Py_ssize_t size;
    uint32_t day, fresh;
} Habits;

/* The place of a key, or where it belongs. */
static Py_ssize_t place_of(const Habits *habits, uint32_t key) {
    Py_ssize_t low = 0, high = habits->size;
    while (low < high) {
        Py_ssize_t middle = (low + high) >> 1;
        if (habits->at[middle].key < key) low = middle + 1;
        else high = middle;
    }
    return low;
}

static int is_at(const Habits *habits, Py_ssize_t place, uint32_t key) { return place < habits->size && habits->at[place].key == key; }

static void put(Habits *habits, uint32_t key, uint32_t entry) {
    Py_ssize_t place = place_of(habits, key);
    if (!is_at(habits, place, key)) {
        memmove(habits->at + place + 1, habits->at + place, (size_t)(habits->size - place) * sizeof(Habit));
        habits->size++;
        habits->at[place].key = key;
    }
    habits->at[place].entry = entry;
}

static uint32_t once_more(uint32_t entry, uint32_t day) { return ((entry >= COUNT_FULL ? entry : entry + COUNT_ONE) & ~DAY_MASK) | day; }

static void count(Habits *habits, uint32_t key) {
    Py_ssize_t place = place_of(habits, key);
    put(habits, key, is_at(habits, place, key) ? once_more(habits->at[place].entry, habits->day) : habits->fresh);
}

static void make_room(Habits *habits, uint32_t level, Py_ssize_t kept, uint32_t stale_days) {
    Py_ssize_t first = place_of(habits, level << SHIFT), end = first, least = -1;
    int least_used_lately = 0;
    uint32_t least_count = 0, least_unused = 0;
    for (; end < habits->size && habits->at[end].key >> SHIFT == level; end++) {
        uint32_t entry = habits->at[end].entry, unused = (habits->day - entry) & DAY_MASK;
        int used_lately = unused < stale_days;
        uint32_t counted = entry >> COUNT_SHIFT;
        /* The least used leaves; among equals the longest unused, then the smallest key; a stale one before all. */
        if (least < 0 || used_lately < least_used_lately ||
            (used_lately == least_used_lately && (counted < least_count || (counted == least_count && unused > least_unused)))) {
            least = end;
            least_used_lately = used_lately;
            least_count = counted;
            least_unused = unused;
        }
    }
    if (end - first < kept || least < 0) return;
    memmove(habits->at + least, habits->at + least + 1, (size_t)(habits->size - least - 1) * sizeof(Habit));
    habits->size--;
}

static PyObject *add(PyObject *module, PyObject *const *given, Py_ssize_t given_count) {
    uint32_t keys[LEVELS], numbers[NUMBERS];
    unsigned char kept[LEVELS];
    (void)module;
    if (given_count != 6 || !PyBytes_Check(given[0]) || !PyTuple_Check(given[1]) || !PyBytes_Check(given[5])) {
        PyErr_SetString(PyExc_TypeError, "add: habits, keys, day, confirmed, doubted, bounds");
        return NULL;
    }
    if (PyBytes_GET_SIZE(given[0]) % 8 || PyTuple_GET_SIZE(given[1]) != LEVELS ||
        PyBytes_GET_SIZE(given[5]) != (Py_ssize_t)(sizeof kept + sizeof numbers)) {
        PyErr_SetString(PyExc_ValueError, "add: habits are 8 bytes an entry, keys have one place for each level");
        return NULL;
    }
    for (int place = 0; place < LEVELS; place++) {
        unsigned long key = PyLong_AsUnsignedLong(PyTuple_GET_ITEM(given[1], place));
        if (key == (unsigned long)-1 && PyErr_Occurred()) return NULL;
        keys[place] = (uint32_t)key;
        if (key > UINT32_MAX || (key && !(key >> SHIFT && key >> SHIFT <= LEVELS))) {
            PyErr_SetString(PyExc_ValueError, "add: a key is of none of the levels");
            return NULL;
        }
    }
    long given_day = PyLong_AsLong(given[2]);
    int confirmed = PyObject_IsTrue(given[3]), doubted = PyObject_IsTrue(given[4]);
    if (PyErr_Occurred()) return NULL;
    memcpy(kept, PyBytes_AS_STRING(given[5]), sizeof kept);
    memcpy(numbers, PyBytes_AS_STRING(given[5]) + sizeof kept, sizeof numbers);

    const unsigned char *packed = (const unsigned char *)PyBytes_AS_STRING(given[0]);
    uint32_t day = (uint32_t)given_day & DAY_MASK;
    Habits habits = {NULL, PyBytes_GET_SIZE(given[0]) / 8, day, COUNT_ONE | day << FIRST_SHIFT | day};
    /* Room for the account's own numbers, the system's among them, and for two entries of each level. */
    habits.at = PyMem_Malloc((size_t)(habits.size + 3 + 2 * LEVELS) * sizeof(Habit));
    if (habits.at == NULL) return PyErr_NoMemory();
    for (Py_ssize_t place = 0; place < habits.size; place++, packed += 8) {
        habits.at[place].entry = (uint32_t)packed[0] | (uint32_t)packed[1] << 8 | (uint32_t)packed[2] << 16 | (uint32_t)packed[3] << 24;
        habits.at[place].key = (uint32_t)packed[4] | (uint32_t)packed[5] << 8 | (uint32_t)packed[6] << 16 | (uint32_t)packed[7] << 24;
    }

    PyObject *first_today = PyList_New(0), *made = NULL, *result = NULL;
    if (first_today == NULL) goto done;
    Py_ssize_t place = place_of(&habits, TODAY);
    uint32_t before = is_at(&habits, place, TODAY) ? habits.at[place].entry : 0;
    uint32_t today = (before & DAY_MASK) == day ? (before >> COUNT_SHIFT) + 1 : 1;
    put(&habits, TODAY, (today < COUNT_LIMIT ? today : COUNT_LIMIT) << COUNT_SHIFT | day << FIRST_SHIFT | day);
    int counts = today <= numbers[LOGINS_A_DAY];
    if (counts) count(&habits, 0);
    int has_logins = is_at(&habits, 0, 0);
    int young = has_logins && habits.at[0].entry >> COUNT_SHIFT <= numbers[YOUNG_LOGINS];
    uint32_t long_ago = (day - numbers[CONFIRMING_DAYS]) & DAY_MASK;
    for (int level = 1; level <= LEVELS; level++) {
        uint32_t key = keys[level - 1], own = key >> SHIFT, entry;
        if (!key) continue;
        place = place_of(&habits, key);
        if (!is_at(&habits, place, key)) {
            if (PyList_Append(first_today, PyTuple_GET_ITEM(given[1], level - 1))) goto done;
            count(&habits, own); /* one change more at this level */
            make_room(&habits, own, kept[own - 1], numbers[STALE_DAYS]);
            if (own == DEVICE && key & IDENTIFIED && keys[SYSTEM - 1]) {
                uint32_t renewals = (uint32_t)TODAY << SHIFT | (keys[SYSTEM - 1] & KEY_MASK);
                if (!is_at(&habits, place_of(&habits, renewals), renewals)) make_room(&habits, TODAY, kept[SYSTEM - 1], numbers[STALE_DAYS]);
                count(&habits, renewals);
            }
            uint32_t first = young ? long_ago : doubted ? (day + numbers[DOUBTED_DAYS]) & DAY_MASK : day;
            entry = COUNT_ONE | first << FIRST_SHIFT | day;
        } else {
            entry = habits.at[place].entry;
            if ((entry & DAY_MASK) != day && PyList_Append(first_today, PyTuple_GET_ITEM(given[1], level - 1))) goto done;
            if (counts) entry = once_more(entry, day);
        }
        if (confirmed) entry = (entry & ~(DAY_MASK << FIRST_SHIFT)) | long_ago << FIRST_SHIFT;
        put(&habits, key, entry);
    }
    if (has_logins && habits.at[0].entry >> COUNT_SHIFT >= numbers[HALVE_AT])
        for (place = 0; place < habits.size; place++) {
            uint32_t entry = habits.at[place].entry;
            habits.at[place].entry = ((entry >> COUNT_SHIFT) + 1) >> 1 << COUNT_SHIFT | (entry & (COUNT_ONE - 1));
        }
    made = PyBytes_FromStringAndSize(NULL, habits.size * 8);
    if (made == NULL) goto done;
    unsigned char *out = (unsigned char *)PyBytes_AS_STRING(made);
    for (place = 0; place < habits.size; place++)
        for (int half = 0; half < 2; half++) {
            uint32_t word = half ? habits.at[place].key : habits.at[place].entry;
            for (int byte = 0; byte < 4; byte++) *out++ = (unsigned char)(word >> 8 * byte);
        }
    result = PyTuple_Pack(3, made, first_today, today == 1 ? Py_True : Py_False);
done:
    Py_XDECREF(made);
    Py_XDECREF(first_today);
    PyMem_Free(habits.at);
    return result;
}

static PyMethodDef methods[] = {
    {"add", (PyCFunction)(void (*)(void))add, METH_FASTCALL, "Count a login into habits; see the file."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_habits", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__habits(void) { return PyModule_Create(&definition); }
