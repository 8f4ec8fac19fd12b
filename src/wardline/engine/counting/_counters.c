/* The tables of engine/counting/keytable.py and the tallies of engine/counting/tally.py and engine/counting/sketch.py, compiled: the same interface, equal to the last bit
 * of `dump`; the reasons stand there. A table is an array of entries, an index by the first eight bytes of the key (open addressing, linear
 * probing), and two linked lists, oldest first. An entry's tallies lie in one block, one behind the other, in the form in which they are packed:
 * 12 bytes of head (floor u32, newest u32, cells u16, form u8, 0), then the cells. Everything that comes from a snapshot is checked before
 * it is used; loops are bounded by the counts that were checked. Little-endian machines only (elsewhere the plain twin serves). */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#if defined(__BYTE_ORDER__) && __BYTE_ORDER__ != __ORDER_LITTLE_ENDIAN__
#error "the compiled tables need a little-endian machine"
#endif

#define TIME_LIMIT_US (4000000000LL * 1000000LL - 1)
#define EXACT_MEMBERS 64
#define CELLS_LIMIT 128
#define UNIT 1000000LL
#define AMOUNT_LIMIT 1000000000000LL
#define SUM_LIMIT INT64_MAX
#define RATE_ONE (1ULL << 24)
#define RATE_LIMIT ((1ULL << 62) - 1)
#define REGISTERS 512
#define RANK_LIMIT 32
#define HEAD 12
#define ENTRY_BYTES 192
#define ENTRY_HEAD 48
#define PROBATION_SHARE 5
#define KEY_PARTS 8
#define TYPES_LIMIT 256
#define NONE UINT32_MAX
#define JOINED 2

typedef __int128 wide;
enum { COUNT, SUM, RATIO, DISTINCT, FIRST_SEEN, LAST_SEEN, RATE };

static uint64_t decay[64], sigma_of[REGISTERS], alpha;
static uint64_t spice; /* odd, of this process alone: who chooses keys does not choose where they lie in an index */
static int prepared = 0;

typedef struct {
    int kind;
    int64_t tile_us, tiles, window_us;
} Spec;

typedef struct {
    Spec spec;
    int64_t handle, since_us;
    long of_test, test;
    PyObject *of, *names;
    uint64_t on[TYPES_LIMIT / 64];
} Column;

typedef struct {
    uint8_t key[16];
    int64_t last_us, since_us;
    uint64_t stamp;
    uint8_t *data;
    uint32_t size, room, prev, next;
    uint16_t tallies;
    uint8_t protected_, used; /* used: 0, 1, or JOINED while adopt goes on */
    uint32_t epoch; /* of the freeze that has this entry already */
} Entry;

typedef struct {
    PyObject *key; /* tuple of str */
    Column *columns;
    int width;
    Entry *entries;
    uint32_t *index;
    uint32_t filled, room, mask, free, head[2], tail[2], count[2];
    int64_t bytes[2], horizon_us;
    int64_t evicted;
    uint64_t on[TYPES_LIMIT / 64];
    /* While frozen: slots from cursor to limit are still to be packed; those that change before are packed into `aside` first. */
    uint32_t epoch, cursor, limit;
    uint8_t *aside;
    size_t aside_size, aside_room;
    /* The last facts that fitted one block, and the key made of them: an event is read and then counted. */
    uint8_t last_facts[128], last_key[16];
    size_t last_size;
} Table;

typedef struct {
    PyObject_HEAD
    int64_t capacity, total, newest_us, handles;
    uint64_t shard, shards;
    Table **tables;
    int height;
    PyObject *types;
    int64_t *amounts;
    uint8_t *applies;
    int scratch;
    uint32_t epoch; /* of the freeze that is on; 0: none */
    uint32_t epochs;
} KeyTables;

static inline uint32_t get32(const uint8_t *at) { uint32_t v; memcpy(&v, at, 4); return v; }
static inline uint64_t get64(const uint8_t *at) { uint64_t v; memcpy(&v, at, 8); return v; }
static inline int64_t gets64(const uint8_t *at) { int64_t v; memcpy(&v, at, 8); return v; }
static inline uint16_t get16(const uint8_t *at) { uint16_t v; memcpy(&v, at, 2); return v; }
static inline void put32(uint8_t *at, uint32_t v) { memcpy(at, &v, 4); }
static inline void put64(uint8_t *at, uint64_t v) { memcpy(at, &v, 8); }
static inline void put16(uint8_t *at, uint16_t v) { memcpy(at, &v, 2); }

/* ---- BLAKE2b, RFC 7693: 16 bytes of digest, personalised ---- */

static const uint64_t B2_IV[8] = {0x6a09e667f3bcc908ULL, 0xbb67ae8584caa73bULL, 0x3c6ef372fe94f82bULL, 0xa54ff53a5f1d36f1ULL,
                                  0x510e527fade682d1ULL, 0x9b05688c2b3e6c1fULL, 0x1f83d9abfb41bd6bULL, 0x5be0cd19137e2179ULL};
static const uint8_t B2_ORDER[10][16] = {
    {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
    {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
    {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
    {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
    {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

typedef struct {
    uint64_t h[8], length;
    uint8_t block[128];
    size_t used;
} Blake;

static inline uint64_t turn(uint64_t v, int n) { return v >> n | v << (64 - n); }

#define MIX(a, b, c, d, x, y)                                                                                                                  \
    v[a] += v[b] + (x); v[d] = turn(v[d] ^ v[a], 32); v[c] += v[d]; v[b] = turn(v[b] ^ v[c], 24);                                               \
    v[a] += v[b] + (y); v[d] = turn(v[d] ^ v[a], 16); v[c] += v[d]; v[b] = turn(v[b] ^ v[c], 63);

static void blake_block(Blake *s, int last)
{
    uint64_t v[16], m[16];
    memcpy(m, s->block, 128);
    memcpy(v, s->h, 64);
    memcpy(v + 8, B2_IV, 64);
    v[12] ^= s->length;
    if (last)
        v[14] = ~v[14];
    for (int round = 0; round < 12; round++) {
        const uint8_t *o = B2_ORDER[round % 10];
        MIX(0, 4, 8, 12, m[o[0]], m[o[1]]) MIX(1, 5, 9, 13, m[o[2]], m[o[3]])
        MIX(2, 6, 10, 14, m[o[4]], m[o[5]]) MIX(3, 7, 11, 15, m[o[6]], m[o[7]])
        MIX(0, 5, 10, 15, m[o[8]], m[o[9]]) MIX(1, 6, 11, 12, m[o[10]], m[o[11]])
        MIX(2, 7, 8, 13, m[o[12]], m[o[13]]) MIX(3, 4, 9, 14, m[o[14]], m[o[15]])
    }
    for (int i = 0; i < 8; i++)
        s->h[i] ^= v[i] ^ v[i + 8];
}

static void blake_begin(Blake *s)
{
    memcpy(s->h, B2_IV, 64);
    s->h[0] ^= 0x01010000ULL ^ 16;
    s->h[6] ^= get64((const uint8_t *)"wardline");
    s->h[7] ^= get64((const uint8_t *)".counter");
    s->length = 0;
    s->used = 0;
}

static void blake_add(Blake *s, const uint8_t *data, size_t size)
{
    while (size) {
        if (s->used == 128) {
            s->length += 128;
            blake_block(s, 0);
            s->used = 0;
        }
        size_t take = 128 - s->used < size ? 128 - s->used : size;
        memcpy(s->block + s->used, data, take);
        s->used += take;
        data += take;
        size -= take;
    }
}

static void blake_end(Blake *s, uint8_t out[16])
{
    s->length += s->used;
    memset(s->block + s->used, 0, 128 - s->used);
    blake_block(s, 1);
    memcpy(out, s->h, 16);
}

static void blake_part(Blake *s, char tag, const char *text, size_t size)
{
    uint8_t head[5] = {(uint8_t)tag};
    put32(head + 1, (uint32_t)size);
    blake_add(s, head, 5);
    blake_add(s, (const uint8_t *)text, size);
}

/* One fact into a key. 1: done; 0: unknown; -1: an exception is set. */
static int add_part(Blake *s, PyObject *value)
{
    char text[32];
    if (value == NULL || value == Py_None)
        return 0;
    if (PyUnicode_Check(value)) {
        Py_ssize_t size;
        const char *utf8 = PyUnicode_AsUTF8AndSize(value, &size);
        if (utf8 != NULL) {
            blake_part(s, 's', utf8, (size_t)size);
            return 1;
        }
        if (!PyErr_ExceptionMatches(PyExc_UnicodeEncodeError))
            return -1;
        PyErr_Clear();
        PyObject *encoded = PyUnicode_AsEncodedString(value, "utf-8", "surrogatepass");
        if (encoded == NULL)
            return -1;
        blake_part(s, 's', PyBytes_AS_STRING(encoded), (size_t)PyBytes_GET_SIZE(encoded));
        Py_DECREF(encoded);
        return 1;
    }
    if (value == Py_True || value == Py_False) {
        blake_part(s, 'b', value == Py_True ? "1" : "0", 1);
        return 1;
    }
    if (PyLong_Check(value)) {
        int overflow;
        long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (overflow)
            return 0;
        if (number == -1 && PyErr_Occurred())
            return -1;
        blake_part(s, 'i', text, (size_t)snprintf(text, sizeof text, "%lld", number));
        return 1;
    }
    if (PyFloat_Check(value)) {
        double number = PyFloat_AS_DOUBLE(value);
        if (!isfinite(number))
            return 0;
        if (number == floor(number) && fabs(number) < 9007199254740992.0) {
            blake_part(s, 'i', text, (size_t)snprintf(text, sizeof text, "%lld", (long long)number));
            return 1;
        }
        char *repr = PyOS_double_to_string(number, 'r', 0, Py_DTSF_ADD_DOT_0, NULL);
        if (repr == NULL)
            return -1;
        blake_part(s, 'f', repr, strlen(repr));
        PyMem_Free(repr);
        return 1;
    }
    return 0;
}

static int identify(Table *table, PyObject *facts, uint8_t key[16])
{
    Blake s;
    blake_begin(&s);
    const Py_ssize_t parts = PyTuple_GET_SIZE(table->key);
    for (Py_ssize_t part = 0; part < parts; part++) {
        PyObject *value = PyDict_GetItemWithError(facts, PyTuple_GET_ITEM(table->key, part));
        if (value == NULL && PyErr_Occurred())
            return -1;
        int done = add_part(&s, value);
        if (done <= 0)
            return done;
    }
    const int one_block = s.length == 0 && s.used > 0;
    if (one_block && s.used == table->last_size && memcmp(s.block, table->last_facts, s.used) == 0) {
        memcpy(key, table->last_key, 16);
        return 1;
    }
    blake_end(&s, key);
    if (one_block) {
        memcpy(table->last_facts, s.block, s.used);
        memcpy(table->last_key, key, 16);
        table->last_size = s.used;
    }
    return 1;
}

/* ---- a tally in its block ---- */

static inline uint32_t cell_bytes(int kind, int form)
{
    switch (kind) {
    case COUNT: return 8;
    case SUM: case RATIO: return 12;
    case DISTINCT: return form ? 8 : 12;
    case RATE: return 8;
    default: return 16;
    }
}

static inline uint32_t tally_bytes(int kind, const uint8_t *head)
{
    return HEAD + (uint32_t)get16(head + 8) * cell_bytes(kind, head[10]);
}

/* Replace `gone` bytes of an entry's block at `at` by room for `come`. */
static int splice(Entry *e, uint32_t at, uint32_t gone, uint32_t come)
{
    const uint32_t size = e->size - gone + come;
    if (size > e->room || (e->room > 512 && size < e->room / 2)) {
        uint32_t room = (size + (size >> 3) + 15) & ~15u;
        if (size > e->room) {
            uint8_t *data = PyMem_RawRealloc(e->data, room);
            if (data == NULL) {
                PyErr_NoMemory();
                return -1;
            }
            e->data = data;
            e->room = room;
            memmove(e->data + at + come, e->data + at + gone, e->size - at - gone);
        } else {
            memmove(e->data + at + come, e->data + at + gone, e->size - at - gone);
            uint8_t *data = PyMem_RawRealloc(e->data, room);
            if (data != NULL) {
                e->data = data;
                e->room = room;
            }
        }
    } else
        memmove(e->data + at + come, e->data + at + gone, e->size - at - gone);
    e->size = size;
    return 0;
}

static inline int64_t first_tile(const Spec *s, int64_t t_us)
{
    const int64_t begin = t_us - s->window_us;
    return (begin < 0 ? 0 : begin) / s->tile_us;
}

static int write_cells(Entry *e, uint32_t off, const Spec *s, int64_t t_us, int64_t amount)
{
    uint8_t *head = e->data + off;
    const int64_t tile = t_us / s->tile_us;
    const uint32_t cell = cell_bytes(s->kind, 0);
    uint32_t count = get16(head + 8), gone = 0;
    const int64_t newest = get32(head + 4);
    if (tile < (int64_t)get32(head))
        return 0;
    if (tile > newest) {
        const int64_t bound = newest - s->tiles;
        while (gone < count && (int64_t)get32(head + HEAD + gone * cell) < bound)
            gone++;
        if (gone) {
            put32(head, get32(head + HEAD + (gone - 1) * cell) + 1);
            count -= gone;
            put16(head + 8, (uint16_t)count);
            if (splice(e, off + HEAD, gone * cell, 0) < 0)
                return -1;
            head = e->data + off;
        }
        put32(head + 4, (uint32_t)tile);
    }
    uint32_t at = count;
    while (at > 0 && (int64_t)get32(head + HEAD + (at - 1) * cell) >= tile)
        at--;
    if (at == count || (int64_t)get32(head + HEAD + at * cell) != tile) {
        if (splice(e, off + HEAD + at * cell, 0, cell) < 0)
            return -1;
        head = e->data + off;
        memset(head + HEAD + at * cell, 0, cell);
        put32(head + HEAD + at * cell, (uint32_t)tile);
        put16(head + 8, (uint16_t)++count);
    }
    uint8_t *found = head + HEAD + at * cell + 4;
    if (s->kind == COUNT) {
        const uint32_t value = get32(found);
        put32(found, value == UINT32_MAX ? value : value + 1);
    } else if (s->kind == SUM) {
        const wide value = (wide)gets64(found) + amount;
        put64(found, (uint64_t)(value > SUM_LIMIT ? SUM_LIMIT : value < -SUM_LIMIT ? -SUM_LIMIT : (int64_t)value));
    } else if (get32(found + 4) < UINT32_MAX) {
        put32(found, get32(found) + (uint32_t)amount);
        put32(found + 4, get32(found + 4) + 1);
    }
    if (count > CELLS_LIMIT) {
        put32(head, get32(head + HEAD) + 1);
        put16(head + 8, (uint16_t)(count - 1));
        return splice(e, off + HEAD, cell, 0);
    }
    return 0;
}

/* The sliding registers of engine/counting/sketch.py, in an array that has room for one more. Gives the new number of cells. */
static uint32_t sketch_insert(uint64_t *cells, uint32_t count, uint64_t tile, uint64_t member)
{
    const uint64_t reg = member >> 55, rest = member & ((1ULL << 55) - 1), base = reg << 40;
    uint64_t rank = rest ? (uint64_t)(__builtin_clzll(rest) - 9 + 1) : 56;
    if (rank > RANK_LIMIT)
        rank = RANK_LIMIT;
    const uint64_t place = base | tile << 8;
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (cells[middle] < place)
            low = middle + 1;
        else
            high = middle;
    }
    if (low < count && cells[low] >> 40 == reg && (cells[low] & 0xFF) >= rank)
        return count;
    const uint32_t end = low < count && cells[low] >> 8 == place >> 8 ? low + 1 : low;
    uint32_t start = low;
    while (start > 0 && cells[start - 1] >> 40 == reg && (cells[start - 1] & 0xFF) <= rank)
        start--;
    memmove(cells + start + 1, cells + end, (count - end) * sizeof *cells);
    cells[start] = place | rank;
    return count - (end - start) + 1;
}

static int64_t sketch_estimate(const uint8_t *cells, uint32_t count, int64_t first)
{
    uint32_t counts[RANK_LIMIT + 1] = {0}, used = 0;
    uint64_t last = UINT64_MAX;
    for (uint32_t at = 0; at < count; at++) {
        const uint64_t cell = get64(cells + 8 * at);
        if (cell >> 40 != last && (int64_t)(cell >> 8 & 0xFFFFFFFF) >= first) {
            last = cell >> 40;
            used++;
            counts[cell & 0xFF]++;
        }
    }
    if (!used)
        return 0;
    uint64_t total = sigma_of[REGISTERS - used];
    for (int rank = 1; rank <= RANK_LIMIT; rank++)
        total += (uint64_t)counts[rank] << (32 - rank);
    return (int64_t)(((unsigned __int128)(alpha << 24) + total / 2) / total);
}

static int write_members(Entry *e, uint32_t off, const Spec *s, int64_t t_us, uint64_t member)
{
    uint8_t *head = e->data + off;
    const int64_t tile = t_us / s->tile_us, newest = get32(head + 4);
    uint32_t count = get16(head + 8);
    if (tile < (int64_t)get32(head))
        return 0;
    if (tile > newest) {
        const int64_t bound = newest - s->tiles;
        if (bound > 0) {
            const uint32_t cell = cell_bytes(DISTINCT, head[10]);
            uint32_t kept = 0;
            for (uint32_t at = 0; at < count; at++) {
                const uint8_t *from = head + HEAD + at * cell;
                const uint32_t seen = head[10] ? (uint32_t)(get64(from) >> 8 & 0xFFFFFFFF) : get32(from);
                if ((int64_t)seen < bound) {
                    if (seen + 1 > get32(head))
                        put32(head, seen + 1);
                } else {
                    if (kept != at)
                        memmove(head + HEAD + kept * cell, from, cell);
                    kept++;
                }
            }
            if (kept != count) {
                if (splice(e, off + HEAD + kept * cell, (count - kept) * cell, 0) < 0)
                    return -1;
                head = e->data + off;
                count = kept;
                put16(head + 8, (uint16_t)count);
                if (head[10] && !count)
                    head[10] = 0;
            }
        }
        put32(head + 4, (uint32_t)tile);
    }
    if (!head[10]) {
        uint32_t low = 0, high = count;
        while (low < high) {
            const uint32_t middle = (low + high) / 2;
            if (get64(head + HEAD + middle * 12 + 4) < member)
                low = middle + 1;
            else
                high = middle;
        }
        uint8_t *found = head + HEAD + low * 12;
        if (low < count && get64(found + 4) == member) {
            if (tile > (int64_t)get32(found))
                put32(found, (uint32_t)tile);
            return 0;
        }
        if (splice(e, off + HEAD + low * 12, 0, 12) < 0)
            return -1;
        head = e->data + off;
        found = head + HEAD + low * 12;
        put32(found, (uint32_t)tile);
        put64(found + 4, member);
        put16(head + 8, (uint16_t)++count);
        if (count <= EXACT_MEMBERS)
            return 0;
        uint64_t cells[EXACT_MEMBERS + 2];
        uint32_t used = 0;
        for (uint32_t at = 0; at < count && at <= EXACT_MEMBERS; at++)
            used = sketch_insert(cells, used, get32(head + HEAD + at * 12), get64(head + HEAD + at * 12 + 4));
        if (splice(e, off + HEAD, count * 12, used * 8) < 0)
            return -1;
        head = e->data + off;
        memcpy(head + HEAD, cells, used * 8);
        put16(head + 8, (uint16_t)used);
        head[10] = 1;
        return 0;
    }
    /* The pairs of one register alone are taken out, changed and put back: a register has at most RANK_LIMIT. */
    const uint64_t reg = member >> 55;
    uint32_t low = 0, high = count;
    while (low < high) {
        const uint32_t middle = (low + high) / 2;
        if (get64(head + HEAD + middle * 8) >> 40 < reg)
            low = middle + 1;
        else
            high = middle;
    }
    uint64_t cells[RANK_LIMIT + 2];
    uint32_t held = 0;
    while (low + held < count && held <= RANK_LIMIT && get64(head + HEAD + (low + held) * 8) >> 40 == reg) {
        cells[held] = get64(head + HEAD + (low + held) * 8);
        held++;
    }
    const uint32_t now = sketch_insert(cells, held, (uint64_t)tile, member);
    if (now != held) {
        if (splice(e, off + HEAD + low * 8, held * 8, now * 8) < 0)
            return -1;
        head = e->data + off;
        put16(head + 8, (uint16_t)(count - held + now));
    }
    memcpy(head + HEAD + low * 8, cells, now * 8);
    return 0;
}

static int write_seen(Entry *e, uint32_t off, const Spec *s, int64_t t_us)
{
    uint8_t *head = e->data + off;
    if (!get16(head + 8)) {
        if (splice(e, off + HEAD, 0, 16) < 0)
            return -1;
        head = e->data + off;
        put16(head + 8, 1);
        put64(head + HEAD, (uint64_t)t_us);
        put64(head + HEAD + 8, (uint64_t)t_us);
        return 0;
    }
    const int64_t first = gets64(head + HEAD), last = gets64(head + HEAD + 8);
    if (t_us > last) {
        if (t_us - last > s->window_us)
            put64(head + HEAD, (uint64_t)t_us);
        put64(head + HEAD + 8, (uint64_t)t_us);
    } else if (t_us < first && first - t_us <= s->window_us)
        put64(head + HEAD, (uint64_t)t_us);
    return 0;
}

static uint64_t decayed(uint64_t value, int64_t steps)
{
    const int64_t lives = steps / 64;
    const uint64_t part = (uint64_t)((unsigned __int128)value * decay[steps % 64] >> 32);
    return part >> (lives > 63 ? 63 : lives);
}

static int write_rate(Entry *e, uint32_t off, const Spec *s, int64_t t_us)
{
    uint8_t *head = e->data + off;
    const int64_t tile = t_us / s->tile_us, newest = get32(head + 4);
    if (!get16(head + 8)) {
        if (splice(e, off + HEAD, 0, 8) < 0)
            return -1;
        head = e->data + off;
        put16(head + 8, 1);
        put64(head + HEAD, 0);
    }
    uint64_t value = get64(head + HEAD), added = RATE_ONE;
    if (tile > newest) {
        value = decayed(value, tile - newest);
        put32(head + 4, (uint32_t)tile);
    } else
        added = decayed(RATE_ONE, newest - tile);
    value += added;
    put64(head + HEAD, value > RATE_LIMIT ? RATE_LIMIT : value);
    return 0;
}

static const uint8_t EMPTY[HEAD] = {0};

/* The value of a tally as of t; a new reference. */
static PyObject *read_tally(const uint8_t *head, const Spec *s, int64_t t_us, int64_t since_us)
{
    const uint32_t count = get16(head + 8);
    const uint8_t *cells = head + HEAD;
    if (s->kind == FIRST_SEEN || s->kind == LAST_SEEN) {
        const int64_t window = s->window_us, first = count ? gets64(cells) : 0, last = count ? gets64(cells + 8) : 0;
        if (s->kind == LAST_SEEN) {
            if (!count || since_us > last || t_us - last > window)
                Py_RETURN_NONE;
            return PyLong_FromLongLong((t_us > last ? t_us - last : 0) / 1000000);
        }
        if (!count || first >= t_us || t_us - last > window) {
            if (since_us < 0 || since_us < t_us - window)
                return PyLong_FromLong(0);
            Py_RETURN_NONE;
        }
        const int64_t age = t_us - first;
        if (age >= window)
            return PyLong_FromLongLong(window / 1000000);
        if (since_us < 0 || since_us < first - window)
            return PyLong_FromLongLong(age / 1000000);
        Py_RETURN_NONE;
    }
    if (s->kind == RATE) {
        if (since_us >= 0 && since_us >= t_us - s->window_us)
            Py_RETURN_NONE;
        const int64_t steps = t_us / s->tile_us - (int64_t)get32(head + 4);
        const uint64_t left = count ? decayed(get64(cells), steps > 0 ? steps : 0) : 0;
        return PyFloat_FromDouble((double)(uint64_t)(((unsigned __int128)left * 1000 + RATE_ONE / 2) >> 24) / 1000.0);
    }
    const int64_t first = first_tile(s, t_us), last = t_us / s->tile_us;
    if (first < (int64_t)get32(head) || (since_us >= 0 && since_us / s->tile_us >= first))
        Py_RETURN_NONE;
    if (s->kind == DISTINCT) {
        if (head[10])
            return PyLong_FromLongLong(sketch_estimate(cells, count, first));
        long members = 0;
        for (uint32_t at = 0; at < count; at++)
            members += (int64_t)get32(cells + at * 12) >= first;
        return PyLong_FromLong(members);
    }
    const uint32_t cell = cell_bytes(s->kind, 0);
    wide total = 0;
    uint64_t events = 0;
    for (uint32_t at = count; at-- > 0;) {
        const uint8_t *found = cells + at * cell;
        const int64_t tile = get32(found);
        if (tile > last)
            continue;
        if (tile < first)
            break;
        if (s->kind == SUM)
            total += gets64(found + 4);
        else
            total += get32(found + 4);
        if (s->kind == RATIO)
            events += get32(found + 8);
    }
    if (s->kind == COUNT)
        return PyLong_FromLongLong((long long)total);
    if (s->kind == RATIO) {
        if (!events)
            Py_RETURN_NONE;
        return PyFloat_FromDouble((double)(uint64_t)total / (double)events);
    }
    const int64_t sum = total > SUM_LIMIT ? SUM_LIMIT : total < -SUM_LIMIT ? -SUM_LIMIT : (int64_t)total;
    if (sum % UNIT == 0)
        return PyLong_FromLongLong(sum / UNIT);
    if (sum < 9007199254740992LL && sum > -9007199254740992LL)
        return PyFloat_FromDouble((double)sum / 1e6);
    PyObject *units = PyLong_FromLongLong(sum), *unit = PyLong_FromLongLong(UNIT), *result = NULL;
    if (units != NULL && unit != NULL)
        result = PyNumber_TrueDivide(units, unit);
    Py_XDECREF(units);
    Py_XDECREF(unit);
    return result;
}

/* ---- tables ---- */

static int64_t entry_cost(const Entry *e) { return ENTRY_BYTES + (int64_t)e->size; }

static void unlink_entry(Table *table, uint32_t slot)
{
    Entry *e = &table->entries[slot];
    const int segment = e->protected_;
    if (e->prev != NONE)
        table->entries[e->prev].next = e->next;
    else
        table->head[segment] = e->next;
    if (e->next != NONE)
        table->entries[e->next].prev = e->prev;
    else
        table->tail[segment] = e->prev;
    table->count[segment]--;
}

static void link_young(Table *table, uint32_t slot, int segment)
{
    Entry *e = &table->entries[slot];
    e->protected_ = (uint8_t)segment;
    e->prev = table->tail[segment];
    e->next = NONE;
    if (e->prev != NONE)
        table->entries[e->prev].next = slot;
    else
        table->head[segment] = slot;
    table->tail[segment] = slot;
    table->count[segment]++;
}

/* Where a key belongs in an index: multiply-shift (M. Dietzfelbinger et al., 1997), the upper bits of the product. A mask is 63 at least. */
static inline uint32_t home(const uint8_t key[16], uint32_t mask) { return (uint32_t)(get64(key) * spice >> 32) >> __builtin_clz(mask); }

static uint32_t find(const Table *table, const uint8_t key[16])
{
    if (table->index == NULL)
        return NONE;
    for (uint32_t at = home(key, table->mask);; at = (at + 1) & table->mask) {
        const uint32_t slot = table->index[at];
        if (slot == NONE)
            return NONE;
        if (!memcmp(table->entries[slot].key, key, 16))
            return slot;
    }
}

static int index_room(Table *table, uint64_t wanted)
{
    uint64_t size = 64;
    while (size * 5 < wanted * 8)
        size *= 2;
    if (size > (1ULL << 31)) {
        PyErr_NoMemory();
        return -1;
    }
    if (table->index != NULL && size <= (uint64_t)table->mask + 1)
        return 0;
    uint32_t *index = PyMem_RawMalloc(size * sizeof *index);
    if (index == NULL) {
        PyErr_NoMemory();
        return -1;
    }
    memset(index, 0xFF, size * sizeof *index);
    const uint32_t mask = (uint32_t)(size - 1);
    for (uint32_t slot = 0; slot < table->filled; slot++) {
        if (!table->entries[slot].used)
            continue;
        uint32_t at = home(table->entries[slot].key, mask);
        while (index[at] != NONE)
            at = (at + 1) & mask;
        index[at] = slot;
    }
    PyMem_RawFree(table->index);
    table->index = index;
    table->mask = mask;
    return 0;
}

static uint8_t *pack_entry(uint8_t *out, const Entry *e)
{
    memcpy(out, e->key, 16);
    put64(out + 16, (uint64_t)e->last_us);
    put64(out + 24, (uint64_t)e->since_us);
    put64(out + 32, e->stamp);
    out[40] = e->protected_;
    out[41] = 0;
    put16(out + 42, e->tallies);
    put32(out + 44, e->size);
    if (e->size)
        memcpy(out + ENTRY_HEAD, e->data, e->size);
    return out + ENTRY_HEAD + e->size;
}

static void thaw(KeyTables *self)
{
    self->epoch = 0;
    for (int i = 0; i < self->height; i++) {
        Table *table = self->tables[i];
        PyMem_RawFree(table->aside);
        table->aside = NULL;
        table->aside_size = table->aside_room = 0;
        table->epoch = table->cursor = table->limit = 0;
    }
}

/* Before an entry changes: put it aside as it was when the freeze began. Without memory the freeze ends; the state goes on. */
static void keep(KeyTables *self, Table *table, uint32_t slot)
{
    Entry *e = &table->entries[slot];
    if (!self->epoch || slot < table->cursor || slot >= table->limit || e->epoch == table->epoch)
        return;
    const size_t size = ENTRY_HEAD + e->size;
    if (table->aside_size + size > table->aside_room) {
        const size_t room = (table->aside_size + size) * 2;
        uint8_t *aside = PyMem_RawRealloc(table->aside, room);
        if (aside == NULL) {
            thaw(self);
            return;
        }
        table->aside = aside;
        table->aside_room = room;
    }
    pack_entry(table->aside + table->aside_size, e);
    table->aside_size += size;
    e->epoch = table->epoch;
}

/* A new, unlinked entry; NONE with an exception when there is no memory. */
static uint32_t new_entry(Table *table, const uint8_t key[16])
{
    uint32_t slot = table->free;
    if (slot == NONE) {
        if (table->filled == table->room) {
            const uint64_t room = table->room ? (uint64_t)table->room + table->room / 2 : 64;
            Entry *entries = room < NONE ? PyMem_RawRealloc(table->entries, room * sizeof *entries) : NULL;
            if (entries == NULL) {
                PyErr_NoMemory();
                return NONE;
            }
            table->entries = entries;
            table->room = (uint32_t)room;
        }
        /* Not counted as filled until the index has room, so that it is never walked over half made. */
        if (index_room(table, (uint64_t)table->filled + 1) < 0)
            return NONE;
        slot = table->filled++;
    } else
        table->free = table->entries[slot].next;
    Entry *e = &table->entries[slot];
    memset(e, 0, sizeof *e);
    memcpy(e->key, key, 16);
    e->used = 1;
    e->epoch = table->epoch;
    uint32_t at = home(key, table->mask);
    while (table->index[at] != NONE)
        at = (at + 1) & table->mask;
    table->index[at] = slot;
    return slot;
}

static void drop_entry(KeyTables *self, Table *table, uint32_t slot)
{
    Entry *e = &table->entries[slot];
    table->bytes[e->protected_] -= entry_cost(e);
    self->total -= entry_cost(e);
    unlink_entry(table, slot);
    uint32_t at = home(e->key, table->mask);
    while (table->index[at] != slot)
        at = (at + 1) & table->mask;
    /* Close the gap, so that nothing that was pushed past it is lost. */
    for (uint32_t next = (at + 1) & table->mask; table->index[next] != NONE; next = (next + 1) & table->mask) {
        const uint32_t from = home(table->entries[table->index[next]].key, table->mask);
        if (((next - from) & table->mask) >= ((next - at) & table->mask)) {
            table->index[at] = table->index[next];
            at = next;
        }
    }
    table->index[at] = NONE;
    PyMem_RawFree(e->data);
    e->data = NULL;
    e->used = 0;
    e->next = table->free;
    table->free = slot;
}

static void give_up(KeyTables *self, Table *table, int segment)
{
    const uint32_t slot = table->head[segment];
    keep(self, table, slot);
    if (table->entries[slot].last_us > table->horizon_us)
        table->horizon_us = table->entries[slot].last_us;
    table->evicted++;
    drop_entry(self, table, slot);
}

static void shrink(KeyTables *self)
{
    while (self->total > self->capacity) {
        Table *largest = NULL;
        for (int i = 0; i < self->height; i++)
            if (largest == NULL || self->tables[i]->bytes[0] + self->tables[i]->bytes[1] > largest->bytes[0] + largest->bytes[1])
                largest = self->tables[i];
        if (largest == NULL || (largest->head[0] == NONE && largest->head[1] == NONE))
            return;
        const int first = largest->bytes[0] * PROBATION_SHARE >= largest->bytes[0] + largest->bytes[1] || largest->head[1] == NONE;
        give_up(self, largest, first && largest->head[0] != NONE ? 0 : 1);
    }
}

static int extend(Entry *e, int width)
{
    if (e->tallies >= width)
        return 0;
    const uint32_t at = e->size, more = (uint32_t)(width - e->tallies) * HEAD;
    if (splice(e, at, 0, more) < 0)
        return -1;
    memset(e->data + at, 0, more);
    e->tallies = (uint16_t)width;
    return 0;
}

static void clear_table(KeyTables *self, Table *table)
{
    for (uint32_t slot = 0; slot < table->filled; slot++)
        if (table->entries[slot].used)
            PyMem_RawFree(table->entries[slot].data);
    PyMem_RawFree(table->entries);
    PyMem_RawFree(table->index);
    PyMem_RawFree(table->aside);
    table->aside = NULL;
    table->aside_size = table->aside_room = 0;
    self->total -= table->bytes[0] + table->bytes[1];
    table->entries = NULL;
    table->index = NULL;
    table->filled = table->room = table->mask = 0;
    table->free = NONE;
    for (int segment = 0; segment < 2; segment++) {
        table->head[segment] = table->tail[segment] = NONE;
        table->count[segment] = 0;
        table->bytes[segment] = 0;
    }
}

static void free_table(KeyTables *self, Table *table)
{
    clear_table(self, table);
    for (int place = 0; place < table->width; place++) {
        Py_XDECREF(table->columns[place].of);
        Py_XDECREF(table->columns[place].names);
    }
    PyMem_RawFree(table->columns);
    Py_XDECREF(table->key);
    PyMem_RawFree(table);
}

static void mark_types(Table *table)
{
    memset(table->on, 0, sizeof table->on);
    for (int place = 0; place < table->width; place++)
        for (int word = 0; word < TYPES_LIMIT / 64; word++)
            table->on[word] |= table->columns[place].on[word];
}

static Table *table_of(KeyTables *self, PyObject *key)
{
    for (int i = 0; i < self->height; i++) {
        const int same = PyObject_RichCompareBool(self->tables[i]->key, key, Py_EQ);
        if (same < 0)
            return NULL;
        if (same)
            return self->tables[i];
    }
    PyErr_SetObject(PyExc_KeyError, key);
    return NULL;
}

static int place_of(KeyTables *self, int64_t handle, int *table, int *place)
{
    for (int i = 0; i < self->height; i++)
        for (int j = 0; j < self->tables[i]->width; j++)
            if (self->tables[i]->columns[j].handle == handle) {
                *table = i;
                *place = j;
                return 0;
            }
    PyErr_Format(PyExc_KeyError, "%lld", (long long)handle);
    return -1;
}

/* ---- methods ---- */

static int get_spec(PyObject *given, Spec *spec)
{
    static const char *names[4] = {"kind", "tile_us", "tiles", "window_us"};
    int64_t found[4];
    for (int i = 0; i < 4; i++) {
        PyObject *value = PyObject_GetAttrString(given, names[i]);
        if (value == NULL)
            return -1;
        found[i] = PyLong_AsLongLong(value);
        Py_DECREF(value);
        if (found[i] == -1 && PyErr_Occurred())
            return -1;
    }
    *spec = (Spec){(int)found[0], found[1], found[2], found[3]};
    const int tiled = spec->kind <= DISTINCT || spec->kind == RATE;
    if (spec->kind < COUNT || spec->kind > RATE || (tiled && spec->tile_us < 900000) || spec->window_us < 0 || spec->window_us > TIME_LIMIT_US ||
        spec->tiles < 0 || spec->tiles > CELLS_LIMIT) {
        PyErr_SetString(PyExc_ValueError, "a counter's numbers are out of range");
        return -1;
    }
    return 0;
}

static PyObject *tables_add(KeyTables *self, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"key", "spec", "on", "of", "test", "names", "since_us", NULL};
    PyObject *key, *given, *on, *of, *names;
    long test;
    long long since_us;
    Spec spec;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "O!OO!UlO!L", words, &PyTuple_Type, &key, &given, &PyTuple_Type, &on, &of, &test, &PyTuple_Type,
                                     &names, &since_us) ||
        get_spec(given, &spec) < 0)
        return NULL;
    if (PyTuple_GET_SIZE(key) > KEY_PARTS) {
        PyErr_SetString(PyExc_ValueError, "a key has too many parts");
        return NULL;
    }
    thaw(self);
    Column column = {.spec = spec, .since_us = since_us, .test = test, .of_test = -1};
    if (spec.kind == RATIO) {
        PyObject *number = PyLong_FromUnicodeObject(of, 10);
        if (number == NULL)
            return NULL;
        column.of_test = PyLong_AsLong(number);
        Py_DECREF(number);
        if (column.of_test == -1 && PyErr_Occurred())
            return NULL;
    }
    for (Py_ssize_t i = 0; i < PyTuple_GET_SIZE(on); i++) {
        PyObject *kind = PyTuple_GET_ITEM(on, i), *known = PyDict_GetItemWithError(self->types, kind);
        long number;
        if (known != NULL)
            number = PyLong_AsLong(known);
        else {
            if (PyErr_Occurred())
                return NULL;
            number = (long)PyDict_GET_SIZE(self->types);
            if (number >= TYPES_LIMIT) {
                PyErr_SetString(PyExc_ValueError, "counters name more than 256 event types");
                return NULL;
            }
            PyObject *value = PyLong_FromLong(number);
            if (value == NULL || PyDict_SetItem(self->types, kind, value) < 0) {
                Py_XDECREF(value);
                return NULL;
            }
            Py_DECREF(value);
        }
        column.on[number / 64] |= 1ULL << (number % 64);
    }
    Table *table = table_of(self, key);
    if (table == NULL) {
        if (!PyErr_ExceptionMatches(PyExc_KeyError))
            return NULL;
        PyErr_Clear();
        Table **tables = PyMem_RawRealloc(self->tables, (size_t)(self->height + 1) * sizeof *tables);
        table = PyMem_RawCalloc(1, sizeof *table);
        if (tables != NULL)
            self->tables = tables;
        if (tables == NULL || table == NULL) {
            PyMem_RawFree(table);
            return PyErr_NoMemory();
        }
        table->key = Py_NewRef(key);
        table->horizon_us = -1;
        clear_table(self, table);
        self->tables[self->height++] = table;
    }
    if (table->width + 1 > self->scratch) {
        const int scratch = table->width + 16;
        int64_t *amounts = PyMem_RawRealloc(self->amounts, (size_t)scratch * sizeof *amounts);
        if (amounts != NULL)
            self->amounts = amounts;
        uint8_t *applies = PyMem_RawRealloc(self->applies, (size_t)scratch);
        if (applies != NULL)
            self->applies = applies;
        if (amounts == NULL || applies == NULL)
            return PyErr_NoMemory();
        self->scratch = scratch;
    }
    Column *columns = PyMem_RawRealloc(table->columns, (size_t)(table->width + 1) * sizeof *columns);
    if (columns == NULL)
        return PyErr_NoMemory();
    table->columns = columns;
    column.handle = ++self->handles;
    column.of = Py_NewRef(of);
    column.names = Py_NewRef(names);
    columns[table->width++] = column;
    mark_types(table);
    return PyLong_FromLongLong(column.handle);
}

/* Where the tally at `place` begins; `place` is one that the entry has. */
static uint32_t offset_of(const Table *table, const Entry *e, int place)
{
    uint32_t off = 0;
    for (int i = 0; i < place; i++)
        off += tally_bytes(table->columns[i].spec.kind, e->data + off);
    return off;
}

static PyObject *tables_remove(KeyTables *self, PyObject *arg)
{
    int number, place;
    const long long handle = PyLong_AsLongLong(arg);
    if ((handle == -1 && PyErr_Occurred()) || place_of(self, handle, &number, &place) < 0)
        return NULL;
    thaw(self);
    Table *table = self->tables[number];
    if (table->width == 1) {
        free_table(self, table);
        memmove(self->tables + number, self->tables + number + 1, (size_t)(--self->height - number) * sizeof *self->tables);
        Py_RETURN_NONE;
    }
    for (uint32_t slot = 0; slot < table->filled; slot++) {
        Entry *e = &table->entries[slot];
        if (!e->used || place >= e->tallies)
            continue;
        const uint32_t off = offset_of(table, e, place), size = tally_bytes(table->columns[place].spec.kind, e->data + off);
        if (splice(e, off, size, 0) < 0)
            return NULL;
        e->tallies--;
        table->bytes[e->protected_] -= size;
        self->total -= size;
    }
    Py_DECREF(table->columns[place].of);
    Py_DECREF(table->columns[place].names);
    memmove(table->columns + place, table->columns + place + 1, (size_t)(--table->width - place) * sizeof(Column));
    mark_types(table);
    Py_RETURN_NONE;
}

static PyObject *tables_rename(KeyTables *self, PyObject *args)
{
    long long handle;
    PyObject *names;
    int number, place;
    if (!PyArg_ParseTuple(args, "LO!", &handle, &PyTuple_Type, &names) || place_of(self, handle, &number, &place) < 0)
        return NULL;
    Py_SETREF(self->tables[number]->columns[place].names, Py_NewRef(names));
    Py_RETURN_NONE;
}

static PyObject *tables_begin(KeyTables *self, PyObject *args)
{
    long long handle, since_us;
    int number, place;
    if (!PyArg_ParseTuple(args, "LL", &handle, &since_us) || place_of(self, handle, &number, &place) < 0)
        return NULL;
    Column *column = &self->tables[number]->columns[place];
    if (since_us > column->since_us)
        column->since_us = since_us;
    Py_RETURN_NONE;
}

static PyObject *tables_order(KeyTables *self, PyObject *key)
{
    Table *table = table_of(self, key);
    PyObject *list = table == NULL ? NULL : PyList_New(table->width);
    for (int place = 0; list != NULL && place < table->width; place++) {
        PyObject *pair = Py_BuildValue("LL", (long long)table->columns[place].handle, (long long)table->columns[place].since_us);
        if (pair == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, place, pair);
    }
    return list;
}

static int get_time(PyObject *value, int64_t *t_us)
{
    int overflow;
    long long found = PyLong_AsLongLongAndOverflow(value, &overflow);
    if (overflow)
        found = overflow > 0 ? TIME_LIMIT_US : 0;
    else if (found == -1 && PyErr_Occurred())
        return -1;
    *t_us = found < 0 ? 0 : found > TIME_LIMIT_US ? TIME_LIMIT_US : found;
    return 0;
}

static inline int owned(const KeyTables *self, const uint8_t key[16])
{
    return self->shards == 1 || get64(key + 8) % self->shards == self->shard;
}

static PyObject *tables_read(KeyTables *self, PyObject *const *args, Py_ssize_t count)
{
    int64_t t_us;
    if (count != 2 || !PyDict_Check(args[1])) {
        PyErr_SetString(PyExc_TypeError, "read(t_us, facts: dict)");
        return NULL;
    }
    if (get_time(args[0], &t_us) < 0)
        return NULL;
    PyObject *values = PyDict_New();
    if (values == NULL)
        return NULL;
    for (int i = 0; i < self->height; i++) {
        const Table *table = self->tables[i];
        uint8_t key[16];
        const int known = identify(table, args[1], key);
        if (known < 0)
            goto failed;
        if (known && !owned(self, key))
            continue;
        const uint32_t slot = known ? find(table, key) : NONE;
        const Entry *e = slot == NONE ? NULL : &table->entries[slot];
        const int64_t since_us = e == NULL ? table->horizon_us : e->since_us;
        uint32_t off = 0;
        for (int place = 0; place < table->width; place++) {
            const Column *column = &table->columns[place];
            const int there = e != NULL && place < e->tallies;
            const uint8_t *head = there ? e->data + off : EMPTY;
            PyObject *value;
            if (known)
                value = read_tally(head, &column->spec, t_us, since_us > column->since_us ? since_us : column->since_us);
            else
                value = Py_NewRef(Py_None);
            if (value == NULL)
                goto failed;
            for (Py_ssize_t name = 0; name < PyTuple_GET_SIZE(column->names); name++)
                if (PyDict_SetItem(values, PyTuple_GET_ITEM(column->names, name), value) < 0) {
                    Py_DECREF(value);
                    goto failed;
                }
            Py_DECREF(value);
            if (there)
                off += tally_bytes(column->spec.kind, head);
        }
    }
    return values;
failed:
    Py_DECREF(values);
    return NULL;
}

/* What an event adds to a column: 1 and *amount, 0 for nothing, -1 for an exception. */
static int amount_of(const Column *column, PyObject *facts, PyObject *verdicts, int64_t *amount)
{
    const Py_ssize_t tests = PyList_GET_SIZE(verdicts);
    if (column->test >= 0 && (column->test >= tests || PyList_GET_ITEM(verdicts, column->test) != Py_True))
        return 0;
    if (column->spec.kind == RATIO) {
        PyObject *hit = column->of_test < 0 || column->of_test >= tests ? Py_None : PyList_GET_ITEM(verdicts, column->of_test);
        if (hit != Py_True && hit != Py_False)
            return 0;
        *amount = hit == Py_True;
        return 1;
    }
    if (column->spec.kind != SUM && column->spec.kind != DISTINCT) {
        *amount = 1;
        return 1;
    }
    PyObject *value = PyDict_GetItemWithError(facts, column->of);
    if (value == NULL)
        return PyErr_Occurred() ? -1 : 0;
    if (column->spec.kind == DISTINCT) {
        Blake s;
        uint8_t key[16];
        blake_begin(&s);
        const int known = add_part(&s, value);
        if (known <= 0)
            return known;
        blake_end(&s, key);
        *amount = gets64(key);
        return 1;
    }
    if (PyBool_Check(value))
        return 0;
    if (PyLong_Check(value)) {
        int overflow;
        const long long number = PyLong_AsLongLongAndOverflow(value, &overflow);
        if (number == -1 && !overflow && PyErr_Occurred())
            return -1;
        if (overflow || number >= AMOUNT_LIMIT || number <= -AMOUNT_LIMIT)
            *amount = (overflow > 0 || (!overflow && number > 0) ? AMOUNT_LIMIT : -AMOUNT_LIMIT) * UNIT;
        else
            *amount = number * UNIT;
        return 1;
    }
    if (!PyFloat_Check(value))
        return 0;
    const double number = PyFloat_AS_DOUBLE(value);
    if (number != number)
        return 0;
    if (!(number > -(double)AMOUNT_LIMIT && number < (double)AMOUNT_LIMIT))
        *amount = (number > 0 ? AMOUNT_LIMIT : -AMOUNT_LIMIT) * UNIT;
    else
        *amount = (int64_t)llrint(number * 1e6);
    return 1;
}

static int64_t memory_us(const Table *table)
{
    int64_t longest = 0;
    for (int place = 0; place < table->width; place++) {
        const Spec *s = &table->columns[place].spec;
        if (s->window_us + 2 * s->tile_us > longest)
            longest = s->window_us + 2 * s->tile_us;
    }
    return longest;
}

/* The entry of a key at the young end of its segment; NONE with an exception. */
static uint32_t touch(KeyTables *self, Table *table, const uint8_t key[16], uint64_t seq, int64_t t_us)
{
    uint32_t slot = find(table, key);
    if (slot == NONE) {
        const int64_t memory = memory_us(table);
        for (int segment = 0; segment < 2; segment++)
            if (table->head[segment] != NONE && table->entries[table->head[segment]].last_us + memory < t_us)
                give_up(self, table, segment);
        slot = new_entry(table, key);
        if (slot == NONE)
            return NONE;
        link_young(table, slot, 0);
        table->entries[slot].since_us = table->horizon_us;
        table->bytes[0] += ENTRY_BYTES;
        self->total += ENTRY_BYTES;
    } else {
        Entry *e = &table->entries[slot];
        keep(self, table, slot);
        if (!e->protected_) {
            table->bytes[0] -= entry_cost(e);
            table->bytes[1] += entry_cost(e);
        }
        unlink_entry(table, slot);
        link_young(table, slot, 1);
    }
    Entry *e = &table->entries[slot];
    e->stamp = seq;
    if (t_us > e->last_us)
        e->last_us = t_us;
    return slot;
}

static PyObject *tables_absorb(KeyTables *self, PyObject *const *args, Py_ssize_t count)
{
    int64_t t_us;
    if (count != 5 || !PyLong_Check(args[0]) || !PyUnicode_Check(args[1]) || !PyDict_Check(args[3]) || !PyList_Check(args[4])) {
        PyErr_SetString(PyExc_TypeError, "absorb(seq: int, kind: str, t_us, facts: dict, verdicts: list)");
        return NULL;
    }
    const uint64_t seq = PyLong_AsUnsignedLongLong(args[0]);
    if ((seq == UINT64_MAX && PyErr_Occurred()) || get_time(args[2], &t_us) < 0)
        return NULL;
    PyObject *facts = args[3], *verdicts = args[4];
    if (t_us > self->newest_us)
        self->newest_us = t_us;
    PyObject *known = PyDict_GetItemWithError(self->types, args[1]);
    if (known == NULL) {
        if (PyErr_Occurred())
            return NULL;
        Py_RETURN_NONE;
    }
    const long type = PyLong_AsLong(known);
    const int word = (int)(type / 64);
    const uint64_t bit = 1ULL << (type % 64);
    for (int i = 0; i < self->height; i++) {
        Table *table = self->tables[i];
        uint8_t key[16];
        if (!(table->on[word] & bit))
            continue;
        const int found = identify(table, facts, key);
        if (found < 0)
            return NULL;
        if (!found || !owned(self, key))
            continue;
        int any = 0;
        for (int place = 0; place < table->width; place++) {
            const Column *column = &table->columns[place];
            const int applies = column->on[word] & bit ? amount_of(column, facts, verdicts, &self->amounts[place]) : 0;
            if (applies < 0)
                return NULL;
            self->applies[place] = (uint8_t)applies;
            any |= applies;
        }
        if (!any)
            continue;
        const uint32_t slot = touch(self, table, key, seq, t_us);
        if (slot == NONE)
            return NULL;
        Entry *e = &table->entries[slot];
        const int64_t before = (int64_t)e->size;
        int failed = extend(e, table->width);
        uint32_t off = 0;
        for (int place = 0; place < table->width && !failed; place++) {
            const Spec *s = &table->columns[place].spec;
            if (self->applies[place])
                switch (s->kind) {
                case DISTINCT: failed = write_members(e, off, s, t_us, (uint64_t)self->amounts[place]); break;
                case FIRST_SEEN: case LAST_SEEN: failed = write_seen(e, off, s, t_us); break;
                case RATE: failed = write_rate(e, off, s, t_us); break;
                default: failed = write_cells(e, off, s, t_us, self->amounts[place]);
                }
            off += tally_bytes(s->kind, e->data + off);
        }
        table->bytes[e->protected_] += (int64_t)e->size - before;
        self->total += (int64_t)e->size - before;
        if (failed)
            return NULL;
        shrink(self);
    }
    Py_RETURN_NONE;
}

static PyObject *tables_stats(KeyTables *self, PyObject *unused)
{
    (void)unused;
    PyObject *list = PyList_New(self->height);
    for (int i = 0; list != NULL && i < self->height; i++) {
        const Table *t = self->tables[i];
        PyObject *item = Py_BuildValue("OIILLL", t->key, t->count[0], t->count[1], (long long)(t->bytes[0] + t->bytes[1]), (long long)t->evicted,
                                       (long long)t->horizon_us);
        if (item == NULL) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, i, item);
    }
    return list;
}

static PyObject *tables_dump(KeyTables *self, PyObject *key)
{
    const Table *table = table_of(self, key);
    if (table == NULL)
        return NULL;
    const int64_t keys = (int64_t)table->count[0] + table->count[1];
    PyObject *result = PyBytes_FromStringAndSize(NULL, table->bytes[0] + table->bytes[1] - keys * (ENTRY_BYTES - ENTRY_HEAD));
    if (result == NULL)
        return NULL;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(result);
    for (int segment = 0; segment < 2; segment++)
        for (uint32_t slot = table->head[segment]; slot != NONE; slot = table->entries[slot].next)
            out = pack_entry(out, &table->entries[slot]);
    return result;
}

static PyObject *tables_freeze(KeyTables *self, PyObject *unused)
{
    (void)unused;
    thaw(self);
    self->epochs = self->epochs == UINT32_MAX ? 1 : self->epochs + 1;
    self->epoch = self->epochs;
    for (int i = 0; i < self->height; i++) {
        self->tables[i]->epoch = self->epoch;
        self->tables[i]->limit = self->tables[i]->filled;
    }
    return PyLong_FromUnsignedLong(self->epoch);
}

static PyObject *tables_part(KeyTables *self, PyObject *args)
{
    unsigned long token, keys;
    PyObject *key;
    if (!PyArg_ParseTuple(args, "kOk", &token, &key, &keys))
        return NULL;
    if (!self->epoch || token != self->epoch) {
        PyErr_SetString(PyExc_RuntimeError, "the tables were changed as a whole: freeze them again");
        return NULL;
    }
    Table *table = table_of(self, key);
    if (table == NULL)
        return NULL;
    if (table->cursor >= table->limit) {
        PyObject *result = PyBytes_FromStringAndSize((const char *)table->aside, (Py_ssize_t)table->aside_size);
        if (result != NULL) {
            PyMem_RawFree(table->aside);
            table->aside = NULL;
            table->aside_size = table->aside_room = 0;
        }
        return result;
    }
    size_t size = 0;
    uint32_t end = table->cursor;
    unsigned long taken = 0;
    for (; end < table->limit && taken < keys; end++, taken++)
        if (table->entries[end].used && table->entries[end].epoch != table->epoch)
            size += ENTRY_HEAD + table->entries[end].size;
    PyObject *result = PyBytes_FromStringAndSize(NULL, (Py_ssize_t)size);
    if (result == NULL)
        return NULL;
    uint8_t *out = (uint8_t *)PyBytes_AS_STRING(result);
    for (uint32_t slot = table->cursor; slot < end; slot++)
        if (table->entries[slot].used && table->entries[slot].epoch != table->epoch)
            out = pack_entry(out, &table->entries[slot]);
    table->cursor = end;
    return result;
}

static PyObject *tables_left(KeyTables *self, PyObject *key)
{
    const Table *table = table_of(self, key);
    if (table == NULL)
        return NULL;
    return PyBool_FromLong(self->epoch && (table->cursor < table->limit || table->aside_size));
}

static PyObject *tables_thaw(KeyTables *self, PyObject *unused)
{
    (void)unused;
    thaw(self);
    Py_RETURN_NONE;
}

/* Whether the cells of one packed tally are in order and within bounds. `head` has all its bytes. */
static int sound(int kind, const uint8_t *head)
{
    const uint32_t count = get16(head + 8), form = head[10], cell = cell_bytes(kind, (int)form);
    const uint8_t *cells = head + HEAD;
    if (form > (kind == DISTINCT) || head[11])
        return 0;
    if (kind <= RATIO) {
        for (uint32_t at = 1; at < count; at++)
            if (get32(cells + at * cell) <= get32(cells + (at - 1) * cell))
                return 0;
        return count <= CELLS_LIMIT;
    }
    if (kind == DISTINCT && !form) {
        for (uint32_t at = 1; at < count; at++)
            if (get64(cells + at * 12 + 4) <= get64(cells + (at - 1) * 12 + 4))
                return 0;
        return count <= EXACT_MEMBERS;
    }
    if (kind == DISTINCT) {
        for (uint32_t at = 0; at < count; at++) {
            const uint64_t found = get64(cells + at * 8), before = at ? get64(cells + (at - 1) * 8) : 0;
            const uint64_t rank = found & 0xFF;
            if (found >> 49 || rank < 1 || rank > RANK_LIMIT)
                return 0;
            if (at && (found <= before || (found >> 40 == before >> 40 && (rank >= (before & 0xFF) || found >> 8 == before >> 8))))
                return 0;
        }
        return 1;
    }
    if (kind == RATE)
        return count <= 1 && (!count || get64(cells) <= RATE_LIMIT);
    return count <= 1 && (!count || (gets64(cells) >= 0 && gets64(cells) <= gets64(cells + 8) && gets64(cells + 8) <= TIME_LIMIT_US));
}

static int same_spec(const Spec *a, const Spec *b)
{
    return a->kind == b->kind && a->tile_us == b->tile_us && a->tiles == b->tiles && a->window_us == b->window_us;
}

typedef struct {
    uint64_t stamp;
    const uint8_t *at;
} Found;

static int by_stamp(const void *left, const void *right)
{
    const Found *a = left, *b = right;
    if (a->stamp != b->stamp)
        return a->stamp < b->stamp ? -1 : 1;
    return a->at < b->at ? -1 : a->at > b->at;
}

static PyObject *tables_load(KeyTables *self, PyObject *args)
{
    PyObject *key, *given_specs, *given_columns;
    long long horizon_us, evicted;
    Py_buffer data;
    if (!PyArg_ParseTuple(args, "OLLOOy*", &key, &horizon_us, &evicted, &given_specs, &given_columns, &data))
        return NULL;
    Table *table = table_of(self, key);
    PyObject *specs = PySequence_Fast(given_specs, "specs"), *columns = specs ? PySequence_Fast(given_columns, "columns") : NULL;
    Found *found = NULL;
    Spec *spec = NULL;
    int *source = NULL, ok = 0;
    if (table == NULL || columns == NULL)
        goto done;
    thaw(self);
    clear_table(self, table);
    table->horizon_us = horizon_us;
    table->evicted = evicted;
    const int width = (int)PySequence_Fast_GET_SIZE(specs);
    spec = PyMem_RawCalloc((size_t)width + 1, sizeof *spec);
    source = PyMem_RawCalloc((size_t)table->width + 1, sizeof *source);
    if (spec == NULL || source == NULL || PySequence_Fast_GET_SIZE(columns) != width) {
        PyErr_SetString(PyExc_ValueError, "a table has other counters than it says");
        goto done;
    }
    for (int i = 0; i < table->width; i++)
        source[i] = -1;
    for (int i = 0; i < width; i++) {
        if (get_spec(PySequence_Fast_GET_ITEM(specs, i), &spec[i]) < 0)
            goto done;
        const long at = PyLong_AsLong(PySequence_Fast_GET_ITEM(columns, i));
        if (at == -1 && PyErr_Occurred())
            goto done;
        if (at >= table->width || (at >= 0 && !same_spec(&table->columns[at].spec, &spec[i]))) {
            PyErr_SetString(PyExc_ValueError, "a table has other counters than it says");
            goto done;
        }
        if (at >= 0)
            source[at] = i;
    }
    const uint8_t *at = data.buf, *end = at + data.len;
    size_t used = 0, room = 0;
    while (at < end) {
        if (end - at < ENTRY_HEAD || (size_t)(end - at) - ENTRY_HEAD < get32(at + 44)) {
            PyErr_SetString(PyExc_ValueError, "a table is cut off");
            goto done;
        }
        const int tallies = get16(at + 42);
        const int64_t last_us = gets64(at + 16), since_us = gets64(at + 24);
        if (tallies > width || at[40] > 1 || at[41] || last_us < -1 || last_us > TIME_LIMIT_US || since_us < -1 || since_us > TIME_LIMIT_US) {
            PyErr_SetString(PyExc_ValueError, "a table's entry is of another form");
            goto done;
        }
        const uint8_t *head = at + ENTRY_HEAD, *stop = head + get32(at + 44);
        for (int i = 0; i < tallies; i++) {
            if (stop - head < HEAD || (size_t)(stop - head) < tally_bytes(spec[i].kind, head) || !sound(spec[i].kind, head)) {
                PyErr_SetString(PyExc_ValueError, "a tally is damaged");
                goto done;
            }
            head += tally_bytes(spec[i].kind, head);
        }
        if (head != stop) {
            PyErr_SetString(PyExc_ValueError, "a table's entry has another length than it says");
            goto done;
        }
        if (used == room) {
            room = room ? room * 2 : 1024;
            Found *more = PyMem_RawRealloc(found, room * sizeof *found);
            if (more == NULL) {
                PyErr_NoMemory();
                goto done;
            }
            found = more;
        }
        found[used++] = (Found){get64(at + 32), at};
        at = stop;
    }
    if (used)
        qsort(found, used, sizeof *found, by_stamp);
    if (index_room(table, used + 1) < 0)
        goto done;
    for (size_t number = 0; number < used; number++) {
        const uint8_t *from = found[number].at;
        if (find(table, from) != NONE) {
            PyErr_SetString(PyExc_ValueError, "a key stands twice in a table");
            goto done;
        }
        const uint32_t slot = new_entry(table, from);
        if (slot == NONE)
            goto done;
        Entry *e = &table->entries[slot];
        e->last_us = gets64(from + 16);
        e->since_us = gets64(from + 24);
        e->stamp = get64(from + 32);
        link_young(table, slot, from[40]);
        const int tallies = get16(from + 42);
        int last = table->width;
        while (last > 0 && (source[last - 1] < 0 || source[last - 1] >= tallies))
            last--;
        for (int i = 0; i < last; i++) {
            const uint8_t *head = EMPTY;
            uint32_t size = HEAD;
            if (source[i] >= 0 && source[i] < tallies) {
                head = from + ENTRY_HEAD;
                for (int before = 0; before < source[i]; before++)
                    head += tally_bytes(spec[before].kind, head);
                size = tally_bytes(spec[source[i]].kind, head);
            }
            const uint32_t to = e->size;
            if (splice(e, to, 0, size) < 0)
                goto done;
            memcpy(e->data + to, head, size);
        }
        e->tallies = (uint16_t)last;
        table->bytes[e->protected_] += entry_cost(e);
        self->total += entry_cost(e);
    }
    ok = 1;
done:
    if (!ok && table != NULL)
        clear_table(self, table);
    PyMem_RawFree(found);
    PyMem_RawFree(spec);
    PyMem_RawFree(source);
    Py_XDECREF(specs);
    Py_XDECREF(columns);
    PyBuffer_Release(&data);
    if (!ok)
        return NULL;
    Py_RETURN_NONE;
}

typedef struct {
    uint64_t stamp;
    uint32_t slot;
} Written;

static int by_writing(const void *left, const void *right)
{
    const Written *a = left, *b = right;
    if (a->stamp != b->stamp)
        return a->stamp < b->stamp ? -1 : 1;
    return a->slot < b->slot ? -1 : a->slot > b->slot;
}

/* Give an entry a tally for every column of its table: the other's (`theirs` may be NULL) where origin names a place of it, else what it has. */
static int join_tallies(KeyTables *self, Table *table, Entry *e, const Table *other, const Entry *theirs, const int *origin)
{
    const int64_t before = (int64_t)e->size;
    int failed = 0;
    uint32_t off = 0;
    for (int place = 0; place < table->width; place++) {
        const int kind = table->columns[place].spec.kind, there = place < e->tallies, from = origin[place];
        if (!there || from >= 0) {
            const uint8_t *head = theirs != NULL && from >= 0 && from < theirs->tallies ? theirs->data + offset_of(other, theirs, from) : EMPTY;
            const uint32_t size = tally_bytes(kind, head);
            failed = splice(e, off, there ? tally_bytes(kind, e->data + off) : 0, size) < 0;
            if (failed)
                break;
            memcpy(e->data + off, head, size);
            if (!there)
                e->tallies = (uint16_t)(place + 1);
        }
        off += tally_bytes(kind, e->data + off);
    }
    table->bytes[e->protected_] += (int64_t)e->size - before;
    self->total += (int64_t)e->size - before;
    return failed ? -1 : 0;
}

/* Into the segment and the order that the entries would have if every write had come to this table. */
static void order_by_writing(Table *table, Written *written)
{
    uint32_t used = 0;
    for (uint32_t slot = 0; slot < table->filled; slot++)
        if (table->entries[slot].used) {
            table->entries[slot].used = 1;
            written[used++] = (Written){table->entries[slot].stamp, slot};
        }
    if (used)
        qsort(written, used, sizeof *written, by_writing);
    for (int segment = 0; segment < 2; segment++) {
        table->head[segment] = table->tail[segment] = NONE;
        table->count[segment] = 0;
    }
    for (uint32_t at = 0; at < used; at++)
        link_young(table, written[at].slot, table->entries[written[at].slot].protected_);
}

static PyObject *tables_adopt(KeyTables *self, PyObject *args)
{
    PyObject *given, *key, *places;
    if (!PyArg_ParseTuple(args, "O!OO!", Py_TYPE(self), &given, &key, &PyList_Type, &places))
        return NULL;
    KeyTables *giver = (KeyTables *)given;
    Table *table = table_of(self, key), *other = table ? table_of(giver, key) : NULL;
    if (other == NULL)
        return NULL;
    const size_t most = (size_t)table->count[0] + table->count[1] + other->count[0] + other->count[1];
    Written *written = PyMem_RawMalloc((most + 1) * sizeof *written);
    int *origin = PyMem_RawMalloc((size_t)table->width * sizeof *origin);
    PyObject *result = NULL;
    if (written == NULL || origin == NULL) {
        PyErr_NoMemory();
        goto done;
    }
    for (int place = 0; place < table->width; place++)
        origin[place] = -1;
    int fits = giver != self && PyList_GET_SIZE(places) == other->width;
    for (int from = 0; fits && from < other->width; from++) {
        const long place = PyLong_AsLong(PyList_GET_ITEM(places, from));
        if (place == -1 && PyErr_Occurred())
            goto done;
        fits = place >= 0 && place < table->width && origin[place] < 0 && same_spec(&table->columns[place].spec, &other->columns[from].spec);
        if (fits)
            origin[place] = from;
    }
    if (!fits) {
        PyErr_SetString(PyExc_ValueError, "a table has other counters than it says");
        goto done;
    }
    thaw(self);
    const int whole = other->width == table->width;
    if (whole) {
        clear_table(self, table);
        table->horizon_us = other->horizon_us;
        table->evicted = other->evicted;
    }
    for (int place = 0; place < table->width; place++)
        if (origin[place] >= 0) {
            const int64_t since_us = other->columns[origin[place]].since_us;
            table->columns[place].since_us = !whole && other->horizon_us > since_us ? other->horizon_us : since_us;
        }
    for (uint32_t from = 0; from < other->filled; from++) {
        const Entry *theirs = &other->entries[from];
        if (!theirs->used)
            continue;
        uint32_t slot = find(table, theirs->key);
        if (slot == NONE) {
            slot = new_entry(table, theirs->key);
            if (slot == NONE)
                goto order;
            Entry *e = &table->entries[slot];
            e->stamp = theirs->stamp;
            e->protected_ = theirs->protected_;
            e->since_us = whole ? -1 : table->horizon_us;
            table->bytes[e->protected_] += ENTRY_BYTES;
            self->total += ENTRY_BYTES;
        }
        Entry *e = &table->entries[slot];
        /* Written twice, by whatever counter: then it is no key of one event. */
        if (!e->protected_ && (theirs->protected_ || theirs->stamp != e->stamp)) {
            table->bytes[0] -= entry_cost(e);
            table->bytes[1] += entry_cost(e);
            e->protected_ = 1;
        }
        if (theirs->stamp > e->stamp)
            e->stamp = theirs->stamp;
        if (theirs->last_us > e->last_us)
            e->last_us = theirs->last_us;
        if (theirs->since_us > e->since_us)
            e->since_us = theirs->since_us;
        e->used = JOINED;
        if (join_tallies(self, table, e, other, theirs, origin) < 0)
            goto order;
    }
    for (uint32_t slot = 0; slot < table->filled; slot++) {
        Entry *e = &table->entries[slot];
        if (e->used && e->used != JOINED && join_tallies(self, table, e, other, NULL, origin) < 0)
            goto order;
    }
    if (giver->newest_us > self->newest_us)
        self->newest_us = giver->newest_us;
    result = Py_NewRef(Py_None);
order:
    order_by_writing(table, written);
    if (result != NULL)
        shrink(self);
done:
    PyMem_RawFree(written);
    PyMem_RawFree(origin);
    return result;
}

/* ---- the type ---- */

static PyObject *tables_new(PyTypeObject *type, PyObject *args, PyObject *kwargs)
{
    static char *words[] = {"capacity_bytes", "shard", "shards", NULL};
    long long capacity, shard = 0, shards = 1;
    if (!PyArg_ParseTupleAndKeywords(args, kwargs, "L|LL", words, &capacity, &shard, &shards))
        return NULL;
    if (!prepared || shards < 1 || shard < 0 || shard >= shards) {
        PyErr_SetString(PyExc_ValueError, prepared ? "a shard lies below the number of shards" : "prepare() comes first");
        return NULL;
    }
    KeyTables *self = (KeyTables *)type->tp_alloc(type, 0);
    if (self == NULL)
        return NULL;
    self->capacity = capacity;
    self->shard = (uint64_t)shard;
    self->shards = (uint64_t)shards;
    self->newest_us = -1;
    self->types = PyDict_New();
    if (self->types == NULL) {
        Py_DECREF(self);
        return NULL;
    }
    return (PyObject *)self;
}

static void tables_dealloc(KeyTables *self)
{
    PyTypeObject *type = Py_TYPE(self);
    for (int i = 0; i < self->height; i++)
        free_table(self, self->tables[i]);
    PyMem_RawFree(self->tables);
    PyMem_RawFree(self->amounts);
    PyMem_RawFree(self->applies);
    Py_XDECREF(self->types);
    type->tp_free((PyObject *)self);
    Py_DECREF(type);
}

static PyObject *get_newest(KeyTables *self, void *unused) { (void)unused; return PyLong_FromLongLong(self->newest_us); }

static int set_newest(KeyTables *self, PyObject *value, void *unused)
{
    (void)unused;
    const long long found = value == NULL ? -1 : PyLong_AsLongLong(value);
    if (found == -1 && PyErr_Occurred())
        return -1;
    self->newest_us = found;
    return 0;
}

#define FAST (PyCFunction)(void (*)(void))
static PyMethodDef tables_methods[] = {
    {"add", FAST tables_add, METH_VARARGS | METH_KEYWORDS, "add(key, spec, on, of, test, names, since_us) -> int"},
    {"remove", (PyCFunction)tables_remove, METH_O, "remove(handle)"},
    {"rename", (PyCFunction)tables_rename, METH_VARARGS, "rename(handle, names)"},
    {"begin", (PyCFunction)tables_begin, METH_VARARGS, "begin(handle, since_us)"},
    {"order", (PyCFunction)tables_order, METH_O, "order(key) -> [(handle, since_us)]"},
    {"read", FAST tables_read, METH_FASTCALL, "read(t_us, facts) -> dict"},
    {"absorb", FAST tables_absorb, METH_FASTCALL, "absorb(seq, kind, t_us, facts, verdicts)"},
    {"stats", (PyCFunction)tables_stats, METH_NOARGS, "stats() -> [(key, once, again, bytes, evicted, horizon_us)]"},
    {"dump", (PyCFunction)tables_dump, METH_O, "dump(key) -> bytes"},
    {"freeze", (PyCFunction)tables_freeze, METH_NOARGS, "freeze() -> int"},
    {"part", (PyCFunction)tables_part, METH_VARARGS, "part(token, key, keys) -> bytes"},
    {"left", (PyCFunction)tables_left, METH_O, "left(key) -> bool"},
    {"thaw", (PyCFunction)tables_thaw, METH_NOARGS, "thaw()"},
    {"load", (PyCFunction)tables_load, METH_VARARGS, "load(key, horizon_us, evicted, specs, columns, data)"},
    {"adopt", (PyCFunction)tables_adopt, METH_VARARGS, "adopt(other, key, places)"},
    {NULL, NULL, 0, NULL},
};

static PyGetSetDef tables_values[] = {
    {"newest_us", (getter)get_newest, (setter)set_newest, "the newest event time that was absorbed, -1 for none", NULL},
    {NULL, NULL, NULL, NULL, NULL},
};

static PyType_Slot tables_slots[] = {
    {Py_tp_new, tables_new}, {Py_tp_dealloc, tables_dealloc}, {Py_tp_methods, tables_methods}, {Py_tp_getset, tables_values},
    {Py_tp_doc, "Tables of keys; see engine/counting/keytable.py."}, {0, NULL},
};

static PyType_Spec tables_spec = {"wardline.engine.counting._counters.KeyTables", sizeof(KeyTables), 0, Py_TPFLAGS_DEFAULT, tables_slots};

/* prepare(decay, sigma, alpha, spice): the tables of engine/counting/tally.py and engine/counting/sketch.py, so that there is one source for them; a secret number */
static PyObject *prepare(PyObject *module, PyObject *args)
{
    PyObject *given_decay, *given_sigma;
    unsigned long long given_alpha, given_spice;
    (void)module;
    if (!PyArg_ParseTuple(args, "O!O!KK", &PyTuple_Type, &given_decay, &PyTuple_Type, &given_sigma, &given_alpha, &given_spice))
        return NULL;
    if (PyTuple_GET_SIZE(given_decay) != 64 || PyTuple_GET_SIZE(given_sigma) != REGISTERS) {
        PyErr_SetString(PyExc_ValueError, "the tables have other sizes");
        return NULL;
    }
    for (int i = 0; i < 64; i++)
        decay[i] = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(given_decay, i));
    for (int i = 0; i < REGISTERS; i++)
        sigma_of[i] = PyLong_AsUnsignedLongLong(PyTuple_GET_ITEM(given_sigma, i));
    if (PyErr_Occurred())
        return NULL;
    alpha = given_alpha;
    if (!prepared) /* what lies in an index stays where it is */
        spice = given_spice | 1;
    prepared = 1;
    Py_RETURN_NONE;
}

static PyMethodDef methods[] = {
    {"prepare", prepare, METH_VARARGS, "prepare(decay, sigma, alpha, spice)"},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_counters", "Tables of counters.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__counters(void)
{
    PyObject *made = PyModule_Create(&module), *type = made ? PyType_FromSpec(&tables_spec) : NULL;
    if (type == NULL || PyModule_AddObjectRef(made, "KeyTables", type) < 0) {
        Py_XDECREF(type);
        Py_XDECREF(made);
        return NULL;
    }
    Py_DECREF(type);
    return made;
}
