/* An account's habits weighed against one login: the twin in C of likelihood.weigh_plain, for the decision that every login waits for.

   weigh(packed, keys, young, old, total, day, has_device, table)
     -> (network, client, locale, hours, network_level, network_logins, agent_level, agent_logins, device_logins or None, logins, client_seen)

   packed: 64-bit little-endian numbers in ascending order, key << 32 | count << 22 | first day << 11 | last day. keys: one for each level,
   0 for unknown. young, old: {key: logins} of the site; total: its logins. day: modulo 2048. Levels come back as numbers, 0 for "new".
   None where the account has no logins. The same operations in the same order as the twin, without contraction, so that results are
   equal to the last bit.
   table: doubles in the machine's order, t of each level, what a new value costs at each level, then SHARES of likelihood.py: the share of a
   value that is unconfirmed, of a surprise that is told twice, of a time zone on a journey, the least and the most that a language or a time zone
   says, the keys of those that are absent, the two keys of a browser without a device, the least that a client says beside a doubted device, the nats
   that doubt it fully, the share of intruders who leave it out, the least and the most that this says, and the logins of a system from which on it has
   its own rate. Built with -ffp-contract=off. */

#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>

/* Levels as in attributes.py. */
enum { COUNTRY = 1, ASN, PREFIX16, PREFIX24, IP, DEVICE_CLASS, SYSTEM, BROWSER, AGENT, DEVICE, LANGUAGE, TIMEZONE, HOURS, SCREEN, TODAY, LEVELS = SCREEN };
enum { SHARES = 15, DAYS = 2048, SHIFT = 28, COUNT_SHIFT = 22, FIRST_SHIFT = 11, CONFIRMED_DAYS = 1, DOUBTED_DAYS = 2 };

typedef struct {
    const unsigned char *habits;
    Py_ssize_t entries;
    PyObject *key_objects[LEVELS];
    uint32_t keys[LEVELS];
    PyObject *young, *old;
    double total, logins;
    uint32_t day;
    double intent[LEVELS], restless[LEVELS], unconfirmed, shared, journey, locale_least, absent_most, no_language, no_timezone;
    double no_device[2], copied_least, doubted_full, left_out, left_out_least, left_out_most, system_logins;
} Login;

typedef struct {
    double nats;
    int finest;
    long used;
} Walked;

static uint32_t word(const unsigned char *at) {
    return (uint32_t)at[0] | (uint32_t)at[1] << 8 | (uint32_t)at[2] << 16 | (uint32_t)at[3] << 24;
}

/* The lower half of a key's entry; *found is 0 where there is none. */
static uint32_t entry_of(const Login *login, uint32_t key, int *found) {
    Py_ssize_t low = 0, high = login->entries;
    while (low < high) {
        Py_ssize_t middle = (low + high) >> 1;
        uint32_t there = word(login->habits + 8 * middle + 4);
        if (there == key) {
            *found = 1;
            return word(login->habits + 8 * middle);
        }
        if (there < key) low = middle + 1;
        else high = middle;
    }
    *found = 0;
    return 0;
}

/* Logins of the site with a value; -1 with an error set. */
static double count_in(PyObject *table, PyObject *key) {
    PyObject *found = PyDict_GetItemWithError(table, key);
    if (found == NULL) return PyErr_Occurred() ? -1.0 : 0.0;
    double count = PyLong_AsDouble(found);
    if (count < 0 && !PyErr_Occurred()) PyErr_SetString(PyExc_ValueError, "weigh: a count of the site is below 0");
    return count;
}

static double everyone_with(const Login *login, int level) {
    double young = count_in(login->young, login->key_objects[level - 1]);
    double old = count_in(login->old, login->key_objects[level - 1]);
    return young < 0 || old < 0 ? -1.0 : young + old;
}

static int unconfirmed(const Login *login, uint32_t entry) {
    return ((login->day - (entry >> FIRST_SHIFT) + DOUBTED_DAYS) & (DAYS - 1)) < CONFIRMED_DAYS + DOUBTED_DAYS;
}

/* logins, everybody: the account's and the site's at the root of the hierarchy. */
static int walk(const Login *login, const int *levels, int length, double logins, double everybody, Walked *walked) {
    double nats = 0.0, parent_count = logins, parent_all = everybody, parent_own = logins, changes = 1.0;
    int told = 0;
    walked->finest = 0;
    walked->used = 0;
    for (int place = 0; place < length; place++) {
        int level = levels[place], known, counted;
        uint32_t key = login->keys[level - 1];
        if (!key) continue;
        double here = (double)(entry_of(login, (uint32_t)level, &counted) >> COUNT_SHIFT);
        if (here == 0.0) continue;
        uint32_t entry = entry_of(login, key, &known);
        if (told) {
            if (!known) break;
            walked->finest = level;
            walked->used = (long)(entry >> COUNT_SHIFT);
            continue;
        }
        double restless = login->restless[level - 1], intent = login->intent[level - 1];
        if (here > 1.0) restless += (here - 1.0) / changes;
        int fresh = known && unconfirmed(login, entry);
        if (!known || fresh) {
            double ratio = restless / (parent_count + restless);
            double said = -log(ratio / (1.0 - intent + intent * ratio));
            nats += known ? login->unconfirmed * said : said;
            if (!known) break;
            walked->finest = level;
            walked->used = (long)(entry >> COUNT_SHIFT);
            told = 1;
            continue;
        }
        double everyone = everyone_with(login, level);
        if (everyone < 0) return -1;
        double count = (double)(entry >> COUNT_SHIFT);
        double others = everyone > count ? everyone - count : 0.0, parent_others = parent_all > parent_own ? parent_all - parent_own : 0.0;
        double share = (others + 0.5) / (parent_others + 1.0);
        if (share > 1.0) share = 1.0;
        double ratio = ((count < parent_count ? count : parent_count) / share + restless) / (parent_count + restless);
        nats += -log(ratio / (1.0 - intent + intent * ratio));
        walked->finest = level;
        walked->used = (long)(entry >> COUNT_SHIFT);
        parent_count = count > 1.0 ? count : 1.0;
        parent_all = everyone;
        parent_own = count;
        changes = here > 1.0 ? here : 1.0;
    }
    walked->nats = nats;
    return 0;
}

/* What an identifier says that none of so many logins had. */
static double new_identifier(const Login *login, double restless, double logins) {
    double ratio = restless / (logins + restless), intent = login->intent[DEVICE - 1];
    return -log(ratio / (1.0 - intent + intent * ratio));
}

/* What a device identifier or its absence says: _device of the twin. */
static int walk_device(const Login *login, int has_device, Walked *walked) {
    static const int device_level[] = {DEVICE};
    int known;
    uint32_t key = login->keys[DEVICE - 1], system = login->keys[SYSTEM - 1];
    double used = key ? (double)(entry_of(login, key, &known) >> COUNT_SHIFT) : 0.0;
    uint32_t system_entry = system ? entry_of(login, system, &known) : 0;
    double restless = login->restless[DEVICE - 1], with_system = (double)(system_entry >> COUNT_SHIFT);
    int shown = key && entry_of(login, DEVICE, &known) >> COUNT_SHIFT;
    if (shown && !has_device && ((double)key == login->no_device[0] || (double)key == login->no_device[1])) {
        double everyone = everyone_with(login, DEVICE);
        if (everyone < 0) return -1;
        double own = used < login->logins ? used : login->logins;
        double others = everyone > own ? everyone - own : 0.0, parent_others = login->total > login->logins ? login->total - login->logins : 0.0;
        double share = (others + 0.5) / (parent_others + 1.0);
        if (share > 1.0) share = 1.0;
        double left_out = (double)(entry_of(login, (uint32_t)login->no_device[0], &known) >> COUNT_SHIFT) +
                          (double)(entry_of(login, (uint32_t)login->no_device[1], &known) >> COUNT_SHIFT);
        double intruders = login->left_out * ((login->logins > left_out ? login->logins - left_out : 0.0) / login->logins);
        if (share > intruders) intruders = share;
        double owner = (own + restless * share) / (login->logins + restless);
        double said = -log(owner / intruders);
        if (said < login->left_out_least) said = login->left_out_least;
        double most = new_identifier(login, restless, login->logins);
        if (most > login->left_out_most) most = login->left_out_most;
        walked->nats = said < most ? said : most;
        walked->finest = 0;
        walked->used = (long)used;
        return 0;
    }
    if (shown && has_device && used == 0.0 && with_system >= login->system_logins && !unconfirmed(login, system_entry)) {
        double renewals = (double)(entry_of(login, (uint32_t)TODAY << SHIFT | (system & ((1u << SHIFT) - 1)), &known) >> COUNT_SHIFT);
        if (renewals > 1.0) restless += renewals - 1.0;
        walked->nats = new_identifier(login, restless, with_system);
        walked->finest = 0;
        walked->used = 0;
        return 0;
    }
    return walk(login, device_level, 1, login->logins, login->total, walked);
}

static PyObject *weigh(PyObject *module, PyObject *const *given, Py_ssize_t count) {
    static const int network_levels[] = {COUNTRY, ASN, PREFIX16, PREFIX24, IP}, agent_levels[] = {DEVICE_CLASS, SYSTEM, BROWSER, AGENT};
    static const int language_level[] = {LANGUAGE}, timezone_level[] = {TIMEZONE}, hours_level[] = {HOURS},
                     screen_level[] = {SCREEN};
    Login login;
    Walked network, agent, device, language, timezone, hours, screen;
    double table[2 * LEVELS + SHARES];
    int has_device, counted, device_seen, agent_seen;
    (void)module;
    if (count != 8 || !PyBytes_Check(given[0]) || !PyTuple_Check(given[1]) || !PyDict_Check(given[2]) || !PyDict_Check(given[3]) ||
        !PyBytes_Check(given[7])) {
        PyErr_SetString(PyExc_TypeError, "weigh: habits, keys, young, old, total, day, has_device, table");
        return NULL;
    }
    if (PyBytes_GET_SIZE(given[0]) % 8 || PyTuple_GET_SIZE(given[1]) != LEVELS || PyBytes_GET_SIZE(given[7]) != (Py_ssize_t)sizeof table) {
        PyErr_SetString(PyExc_ValueError, "weigh: habits are 8 bytes an entry, keys and table have one place for each level");
        return NULL;
    }
    login.habits = (const unsigned char *)PyBytes_AS_STRING(given[0]);
    login.entries = PyBytes_GET_SIZE(given[0]) / 8;
    for (int place = 0; place < LEVELS; place++) {
        PyObject *key = PyTuple_GET_ITEM(given[1], place);
        unsigned long value = PyLong_AsUnsignedLong(key);
        if (value == (unsigned long)-1 && PyErr_Occurred()) return NULL;
        login.key_objects[place] = key;
        login.keys[place] = (uint32_t)value;
    }
    login.young = given[2];
    login.old = given[3];
    login.total = PyLong_AsDouble(given[4]);
    long day = PyLong_AsLong(given[5]);
    has_device = PyObject_IsTrue(given[6]);
    if (PyErr_Occurred()) return NULL;
    login.day = (uint32_t)day;
    memcpy(table, PyBytes_AS_STRING(given[7]), sizeof table);
    memcpy(login.intent, table, sizeof login.intent);
    memcpy(login.restless, table + LEVELS, sizeof login.restless);
    login.unconfirmed = table[2 * LEVELS];
    login.shared = table[2 * LEVELS + 1];
    login.journey = table[2 * LEVELS + 2];
    login.locale_least = table[2 * LEVELS + 3];
    login.absent_most = table[2 * LEVELS + 4];
    login.no_language = table[2 * LEVELS + 5];
    login.no_timezone = table[2 * LEVELS + 6];
    login.no_device[0] = table[2 * LEVELS + 7];
    login.no_device[1] = table[2 * LEVELS + 8];
    login.copied_least = table[2 * LEVELS + 9];
    login.doubted_full = table[2 * LEVELS + 10];
    login.left_out = table[2 * LEVELS + 11];
    login.left_out_least = table[2 * LEVELS + 12];
    login.left_out_most = table[2 * LEVELS + 13];
    login.system_logins = table[2 * LEVELS + 14];
    uint32_t logins = entry_of(&login, 0, &counted) >> COUNT_SHIFT;
    if (!logins) Py_RETURN_NONE;
    login.logins = (double)logins;
    double own = login.logins, all = login.total;
    if (walk(&login, network_levels, 5, own, all, &network) || walk(&login, agent_levels, 4, own, all, &agent) ||
        walk_device(&login, has_device, &device) || walk(&login, language_level, 1, own, all, &language) ||
        walk(&login, timezone_level, 1, own, all, &timezone) || walk(&login, hours_level, 1, own, all, &hours))
        return NULL;
    double client;
    if (has_device && device.used) {
        double held = agent.nats > -1.0 ? agent.nats : -1.0;
        client = device.nats + login.shared * (held < 3.0 ? held : 3.0);
    } else {
        screen.nats = 0.0;
        uint32_t system = login.keys[SYSTEM - 1];
        uint32_t with_system = system ? entry_of(&login, system, &counted) >> COUNT_SHIFT : 0;
        if (with_system) {
            double everyone = everyone_with(&login, SYSTEM);
            if (everyone < 0 || walk(&login, screen_level, 1, (double)with_system, everyone, &screen)) return NULL;
        }
        double doubt = device.nats / login.doubted_full;
        doubt = doubt < 0.0 ? 0.0 : doubt > 1.0 ? 1.0 : doubt;
        agent.nats += doubt * ((agent.nats > login.copied_least ? agent.nats : login.copied_least) - agent.nats);
        if (screen.nats > 0 && agent.nats < 0.0) agent.nats = 0.0;
        double small = device.nats <= agent.nats ? device.nats : agent.nats, large = device.nats <= agent.nats ? agent.nats : device.nats;
        client = small > 0 ? large + login.shared * small : device.nats + agent.nats;
        client += screen.nats;
    }
    double spoken = language.nats > login.locale_least ? language.nats : login.locale_least;
    double zone = timezone.nats > login.locale_least ? timezone.nats : login.locale_least;
    if ((double)login.keys[LANGUAGE - 1] == login.no_language && spoken > login.absent_most) spoken = login.absent_most;
    if ((double)login.keys[TIMEZONE - 1] == login.no_timezone) {
        if (zone > login.absent_most) zone = login.absent_most;
    } else if (zone > 0 && network.nats > 0) {
        zone *= login.journey;
    }
    entry_of(&login, login.keys[DEVICE - 1], &device_seen);
    entry_of(&login, login.keys[AGENT - 1], &agent_seen);
    PyObject *device_logins = Py_None;
    if (has_device || !device.used) {
        device_logins = PyLong_FromLong(device.used);
        if (device_logins == NULL) return NULL;
    } else {
        Py_INCREF(device_logins);
    }
    return Py_BuildValue("ddddililNkO", network.nats, client, spoken + zone, hours.nats, network.finest, network.used,
                         agent.finest, agent.used, device_logins, (unsigned long)logins, device_seen || agent_seen ? Py_True : Py_False);
}

static PyMethodDef methods[] = {
    {"weigh", (PyCFunction)(void (*)(void))weigh, METH_FASTCALL, "Weigh a login against habits; see the file."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef definition = {PyModuleDef_HEAD_INIT, "_likelihood", NULL, 0, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__likelihood(void) { return PyModule_Create(&definition); }
