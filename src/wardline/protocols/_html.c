/* One pass over HTML: the compiled twin of htmlscan.py, htmlwalk.py, htmlfacts.py, css.py and entities.py, which say what everything means and why.
 *
 *     tables = _html.tables(ELEMENTS, NAMED, COLOURS)        the constants, once
 *     _html.scan(head, tail, caps, tables) -> (visible, hidden, alt, title, base, shape, links, hidden_by, limits, counts)
 *
 * Equal results are a promise: tests compare the two on generated and on mutated documents. Whoever changes one changes both.
 *
 * Memory: every growing thing is a Buf whose size is checked; reads go through pointers with their end beside them. Nothing of Python is touched
 * while the scan runs, so that the lock is released. When memory runs out, `failed` is set, writes become no-ops, and MemoryError is raised at the end.
 */
#define PY_SSIZE_T_CLEAN
#include <Python.h>
#include <stdint.h>
#include <string.h>

typedef uint8_t u8;
typedef int64_t i64;
typedef Py_ssize_t size;

/* ---- what htmlfacts.py, elements.py and css.py number ---- */

enum { VOID = 1, BLOCK = 2, SPACE = 4, FORMATTING = 8, RAW = 16, CLOSES_P = 32, IGNORED = 64, UNSEEN = 128, PRE = 256, SPECIAL = 512 };
enum { P = 1, CELL = 8, ROW = 16, SECTION = 32, TABLE = 512, BUTTON = 2048 };
enum {
    W_NONE, A, IMG, FORM, INPUT, SCRIPT, STYLE, TITLE, TEXTAREA, XMP, IFRAME, BODY, META, BASE, LINK, AREA, FONT_TAG, FRAME, OBJECT, BUTTONS,
    DIALOG, SVG, BR
};
enum {
    DISPLAY, VISIBILITY, OPACITY, FONT, COLOUR, BACKGROUND, IMAGE, POSITION, LEFT, TOP, RIGHT, BOTTOM, MARGIN_LEFT, MARGIN_TOP, INDENT, OVERFLOW_,
    WIDTH, HEIGHT, MAX_WIDTH, MAX_HEIGHT, CLIP, MSO, PROPERTIES
};
enum { HID_DISPLAY = 1, HID_VISIBILITY = 2, HID_SIZE = 4, HID_COLOUR = 8, HID_OFFSCREEN = 16, HID_OPACITY = 32, HID_ATTRIBUTE = 64, HID_ELEMENT = 128 };
enum { ANCHOR, AREAS, IMAGES, FORMS, STYLES, BASES, FRAMES, REFRESH, SCRIPTS };
enum {
    TAGS, N_IMAGES, N_REMOTE, N_TINY, N_FORMS, N_INPUTS, N_PASSWORDS, N_SCRIPTS, N_IFRAMES, N_OBJECTS, N_HANDLERS, N_COMMENTS, N_COMMENT_CHARS,
    N_CONDITIONALS, MAX_DEPTH, BROKEN, N_REFRESH, N_SCRIPT_URLS, N_DATA_URLS, N_INLINE, N_MSO, N_ZERO_WIDTH, N_SPLIT, N_SOFT, N_BIDI, N_COUNTS
};
enum { OVER_TAGS = 1, OVER_DEPTH = 2, OVER_ATTRIBUTES = 4, OVER_LINKS = 8, OVER_STYLES = 16 };
enum {
    AT_STYLE, AT_CLASS, AT_ID, AT_BGCOLOR, AT_BACKGROUND, AT_COLOR, AT_TEXT, AT_HIDDEN, AT_HREF, AT_SRC, AT_ALT, AT_ACTION, AT_FORMACTION,
    AT_CONTENT, AT_HTTP_EQUIV, AT_WIDTH, AT_HEIGHT, AT_TYPE, AT_DATA, AT_VALUE, AT_PLACEHOLDER, AT_OPEN, ATTRIBUTES
};

#define WALK 64
#define TINY_CENTI_PX 200
#define NEAR_COLOUR 24
#define RUNS 4096
#define FAR_CENTI_PX (-50000)
#define FAINT_CENTI 10
#define UNKNOWN_COLOUR (-1)
#define TRANSPARENT (-2)
#define NO_COLOUR (-3) /* None in Python */
#define INHERIT (-4)
#define SELECTOR_BYTES 64
#define SHAPE_TAGS 64

static const char *const attribute_names[ATTRIBUTES] = {
    "style", "class", "id", "bgcolor", "background", "color", "text", "hidden", "href", "src", "alt", "action", "formaction", "content",
    "http-equiv", "width", "height", "type", "data", "value", "placeholder", "open",
};

/* ---- bytes ---- */

typedef struct {
    const u8 *p;
    size n;
} Str;

typedef struct {
    u8 *p;
    size n, room;
} Buf;

static inline int is_space(u8 c) { return c == ' ' || (c >= 9 && c <= 13 && c != 11); }      /* what HTML calls white space */
static inline int is_blank(u8 c) { return c == ' ' || (c >= 9 && c <= 13); }                 /* what bytes.split() splits at */
static inline int is_alpha(u8 c) { return (u8)((c | 32) - 'a') < 26; }
static inline int is_digit(u8 c) { return (u8)(c - '0') < 10; }
static inline u8 lower(u8 c) { return (u8)(c - 'A') < 26 ? (u8)(c | 32) : c; }

static int grow(Buf *b, size more, int *failed)
{
    if (*failed)
        return 0;
    if (more <= b->room - b->n)
        return 1;
    if (more > PY_SSIZE_T_MAX / 4 - b->n) {
        *failed = 1;
        return 0;
    }
    size room = b->room < 256 ? 256 : b->room;
    while (room < b->n + more)
        room *= 2;
    u8 *p = PyMem_RawRealloc(b->p, (size_t)room);
    if (!p) {
        *failed = 1;
        return 0;
    }
    b->p = p;
    b->room = room;
    return 1;
}

static inline void put(Buf *b, u8 c, int *failed)
{
    if (b->n < b->room || grow(b, 1, failed))
        b->p[b->n++] = c;
}

static void append(Buf *b, const u8 *p, size n, int *failed)
{
    if (n > 0 && grow(b, n, failed)) {
        memcpy(b->p + b->n, p, (size_t)n);
        b->n += n;
    }
}

static Str strip(Str s)
{
    while (s.n && is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

static inline Str slice(Str s, size from)
{
    if (from > s.n)
        from = s.n;
    return (Str){s.p + from, s.n - from};
}

static int equals(Str s, const char *text)
{
    size n = (size)strlen(text);
    return s.n == n && !memcmp(s.p, text, (size_t)n);
}

static int starts(Str s, const char *text)
{
    size n = (size)strlen(text);
    return s.n >= n && !memcmp(s.p, text, (size_t)n);
}

/* Like equals and starts, with the left side in any case; `text` in lower case. */
static int starts_any(Str s, const char *text)
{
    size n = (size)strlen(text);
    if (s.n < n)
        return 0;
    for (size i = 0; i < n; i++)
        if (lower(s.p[i]) != (u8)text[i])
            return 0;
    return 1;
}

static int equals_any(Str s, const char *text) { return s.n == (size)strlen(text) && starts_any(s, text); }

static size find(Str s, const char *text, size from)
{
    size n = (size)strlen(text);
    while (from + n <= s.n) {
        const u8 *hit = memchr(s.p + from, text[0], (size_t)(s.n - from - n + 1));
        if (!hit)
            return -1;
        from = hit - s.p;
        if (!memcmp(hit, text, (size_t)n))
            return from;
        from++;
    }
    return -1;
}

static inline size find_byte(Str s, u8 c, size from)
{
    if (from >= s.n)
        return -1;
    const u8 *hit = memchr(s.p + from, c, (size_t)(s.n - from));
    return hit ? hit - s.p : -1;
}

/* The next token of bytes.split(); 0 when there is none. */
static int token(Str *rest, Str *out)
{
    while (rest->n && is_blank(rest->p[0]))
        rest->p++, rest->n--;
    if (!rest->n)
        return 0;
    size n = 0;
    while (n < rest->n && !is_blank(rest->p[n]))
        n++;
    *out = (Str){rest->p, n};
    *rest = slice(*rest, n);
    return 1;
}

static i64 floor_div(i64 a, i64 b)
{
    i64 q = a / b;
    return a % b != 0 && a < 0 ? q - 1 : q; /* b is positive everywhere */
}

/* ---- constant tables, made from the Python ones ---- */

typedef struct {
    u8 *key;
    u8 *text; /* of entities */
    uint32_t hash;
    int key_n, text_n;
    int number; /* of colours; index of elements */
} Slot;

typedef struct {
    Slot *slots;
    uint32_t mask;
} Map;

typedef struct {
    int flags, group, closes, stops, what;
} Element;

typedef struct {
    Map elements, entities, colours;
    Element *element;
    int count;
    int p, a; /* indices of these elements */
} Tables;

static const Element unknown_element = {0, 0, 0, 0, 0};

static uint32_t hash_bytes(const u8 *p, size n)
{
    uint32_t h = 2166136261u;
    for (size i = 0; i < n; i++)
        h = (h ^ p[i]) * 16777619u;
    return h ^ (h >> 15);
}

static uint32_t hash_lower(const u8 *p, size n)
{
    uint32_t h = 2166136261u;
    for (size i = 0; i < n; i++)
        h = (h ^ lower(p[i])) * 16777619u;
    return h ^ (h >> 15);
}

static const Slot *look_up(const Map *map, Str key)
{
    if (key.n > 64)
        return NULL;
    uint32_t h = hash_bytes(key.p, key.n);
    for (uint32_t i = h & map->mask;; i = (i + 1) & map->mask) {
        const Slot *slot = &map->slots[i];
        if (!slot->key)
            return NULL;
        if (slot->hash == h && slot->key_n == key.n && !memcmp(slot->key, key.p, (size_t)key.n))
            return slot;
    }
}

/* ---- the scan's state ---- */

typedef struct {
    int hard, visibility, font, colour, background, mask;
} State;

typedef struct {
    const u8 *name; /* as written; NULL: ended out of turn */
    size name_n;
    uint32_t hash;
    int element; /* index, -1 unknown */
    State state;
} Entry;

typedef struct {
    uint32_t set;
    int32_t value[PROPERTIES];
} Declared;

typedef struct {
    u8 key[SELECTOR_BYTES];
    int key_n;
    uint32_t hash;
    Declared declared;
} Rule;

typedef struct {
    size url, url_n, text, text_n; /* offsets into `urls` and `texts` */
    int origin, hidden;
} Link;

/* Text being collapsed while it is written: `pending` 0 nothing, 1 a space, 2 a line feed. */
typedef struct {
    Buf buf;
    int pending;
} Out;

typedef struct {
    size at, n; /* offset into the document, or into `decoded` */
    int in_decoded, present;
} Value;

typedef struct {
    size tags, tail, depth, attributes, links, rules, url, text, sheets;
} Caps;

typedef struct {
    const Tables *tables;
    Caps caps;
    int failed;
    int second, late_rules;

    const u8 *data; /* the segment that is read */
    Out visible, hidden;
    int hidden_last;
    Buf alt, title, base, shape, urls, texts;
    int shape_tags;
    Link *links;
    size links_n, links_room;
    int hidden_by, limits, text_seen, body_seen;
    i64 counts[N_COUNTS];
    size sheet_bytes;

    /* the run of invisible characters that is being read, and the byte before it */
    int run, run_counts, run_hard, runs;
    u8 before_run;

    Entry *stack;
    size depth, stack_room;
    int *open;
    State state, body_state, raw_state;
    int pre, svg;
    size anchor, anchor_depth, anchor_from; /* anchor: index of a link, -1 none */
    size anchor_alt, anchor_alt_n;

    Rule *rules;
    size rules_n, rules_room;
    int32_t *rule_slots;
    uint32_t rule_mask;

    Value found[ATTRIBUTES];
    int any_found;
    Buf decoded, scratch, scratch2, text, head, tail;
} Scan;

static const State root_state = {0, 0, 1600, 0, 0xFFFFFF, 0};

static inline Str value_of(const Scan *s, int attribute)
{
    const Value *v = &s->found[attribute];
    if (!v->present || !v->n)
        return (Str){(const u8 *)"", 0};
    return (Str){(v->in_decoded ? s->decoded.p : s->data) + v->at, v->n};
}

static inline int has(const Scan *s, int attribute) { return s->found[attribute].present; }

/* ---- entities.py ---- */

static const uint16_t windows_1252[32] = {
    0x20AC, 0x81, 0x201A, 0x0192, 0x201E, 0x2026, 0x2020, 0x2021, 0x02C6, 0x2030, 0x0160, 0x2039, 0x0152, 0x8D, 0x017D, 0x8F,
    0x90, 0x2018, 0x2019, 0x201C, 0x201D, 0x2022, 0x2013, 0x2014, 0x02DC, 0x2122, 0x0161, 0x203A, 0x0153, 0x9D, 0x017E, 0x0178,
};

static void put_code(Buf *out, uint64_t code, int *failed)
{
    if (code >= 0x80 && code <= 0x9F)
        code = windows_1252[code - 0x80];
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        code = 0xFFFD;
    else if ((code < 0x20 && code != 9 && code != 10 && code != 12 && code != 13) || code == 0x7F)
        code = 0x20;
    if (code < 0x80) {
        put(out, (u8)code, failed);
    } else if (code < 0x800) {
        put(out, (u8)(0xC0 | code >> 6), failed);
        put(out, (u8)(0x80 | (code & 63)), failed);
    } else if (code < 0x10000) {
        put(out, (u8)(0xE0 | code >> 12), failed);
        put(out, (u8)(0x80 | (code >> 6 & 63)), failed);
        put(out, (u8)(0x80 | (code & 63)), failed);
    } else {
        put(out, (u8)(0xF0 | code >> 18), failed);
        put(out, (u8)(0x80 | (code >> 12 & 63)), failed);
        put(out, (u8)(0x80 | (code >> 6 & 63)), failed);
        put(out, (u8)(0x80 | (code & 63)), failed);
    }
}

static int hex_digit(u8 c) { return is_digit(c) ? c - '0' : (u8)((c | 32) - 'a') < 6 ? (c | 32) - 'a' + 10 : -1; }

/* Appends the text with its references resolved. `text` must not point into `out`. */
static void decode(const Tables *tables, Str text, int attribute, Buf *out, int *failed)
{
    size at = 0;
    while (at < text.n) {
        size mark = find_byte(text, '&', at);
        if (mark < 0)
            mark = text.n;
        append(out, text.p + at, mark - at, failed);
        if (mark == text.n)
            return;
        size end = mark + 1;
        if (end < text.n && text.p[end] == '#') {
            int base = 10;
            size digits = ++end;
            if (end < text.n && (text.p[end] | 32) == 'x')
                base = 16, digits = ++end;
            uint64_t code = 0;
            int kept = 0;
            for (; end < text.n; end++) {
                int d = hex_digit(text.p[end]);
                if (d < 0 || d >= base)
                    break;
                if (kept < (base == 10 ? 9 : 8) && (code || d)) {
                    code = code * (unsigned)base + (unsigned)d;
                    kept++;
                }
            }
            if (end > digits) {
                put_code(out, code, failed);
                at = end < text.n && text.p[end] == ';' ? end + 1 : end;
                continue;
            }
        } else if (end < text.n && is_alpha(text.p[end])) {
            size name = end;
            while (end < text.n && end - name < 32 && (is_alpha(text.p[end]) || is_digit(text.p[end])))
                end++;
            size n = end - name;
            if (n >= 2) {
                int closed = end < text.n && text.p[end] == ';';
                const Slot *slot = closed ? look_up(&tables->entities, (Str){text.p + name, n + 1}) : NULL;
                if (slot) {
                    append(out, slot->text, slot->text_n, failed);
                    at = end + 1;
                    continue;
                }
                if (attribute) {
                    if (!closed && !(end < text.n && text.p[end] == '=')) {
                        slot = look_up(&tables->entities, (Str){text.p + name, n});
                        if (slot) {
                            append(out, slot->text, slot->text_n, failed);
                            at = end;
                            continue;
                        }
                    }
                } else {
                    for (size part = n < 6 ? n : 6; part >= 2; part--) {
                        slot = look_up(&tables->entities, (Str){text.p + name, part});
                        if (slot) {
                            append(out, slot->text, slot->text_n, failed);
                            append(out, text.p + name + part, n - part + closed, failed);
                            break;
                        }
                    }
                    if (slot) {
                        at = end + closed;
                        continue;
                    }
                }
                append(out, text.p + mark, n + 1 + closed, failed);
                at = end + closed;
                continue;
            }
        }
        put(out, '&', failed);
        at = mark + 1;
    }
}

/* ---- css.py ---- */

typedef struct {
    i64 value; /* hundredths */
    Str unit;
} Number;

static int number(Str s, Number *out)
{
    size at = 0;
    int negative = 0;
    if (at < s.n && (s.p[at] == '+' || s.p[at] == '-'))
        negative = s.p[at++] == '-';
    i64 whole = 0, fraction = 0;
    size digits = 0, parts = 0;
    for (; at < s.n && is_digit(s.p[at]); at++)
        if (digits++ < 8)
            whole = whole * 10 + (s.p[at] - '0');
    if (at < s.n && s.p[at] == '.') {
        at++;
        for (; at < s.n && is_digit(s.p[at]); at++)
            if (parts++ < 2)
                fraction = fraction * 10 + (s.p[at] - '0');
        if (parts == 1)
            fraction *= 10;
    }
    if (!digits && !parts)
        return 0;
    if (whole > 99999)
        whole = 99999;
    out->value = whole * 100 + fraction;
    if (negative)
        out->value = -out->value;
    size unit = at;
    while (at < s.n && ((u8)(s.p[at] - 'a') < 26 || s.p[at] == '%'))
        at++;
    out->unit = (Str){s.p + unit, at - unit};
    return 1;
}

static i64 unit_scale(Str unit)
{
    if (unit.n == 0 || equals(unit, "px"))
        return 100;
    if (equals(unit, "pt"))
        return 133;
    if (equals(unit, "pc"))
        return 1600;
    if (equals(unit, "in"))
        return 9600;
    if (equals(unit, "cm"))
        return 3780;
    if (equals(unit, "mm"))
        return 378;
    if (equals(unit, "q"))
        return 94;
    return 0;
}

static i64 relative_scale(Str unit)
{
    if (equals(unit, "em") || equals(unit, "rem"))
        return 100;
    if (equals(unit, "%"))
        return 1;
    if (equals(unit, "ex") || equals(unit, "ch"))
        return 50;
    return 0;
}

static int length(Str s, i64 *out)
{
    Number n;
    i64 scale;
    if (!number(s, &n))
        return 0;
    if ((scale = unit_scale(n.unit))) {
        *out = floor_div(n.value * scale, 100);
        return 1;
    }
    if ((scale = relative_scale(n.unit))) {
        *out = floor_div(n.value * scale * 16, 100);
        return 1;
    }
    return 0;
}

static int font_size(Str s, i64 *out)
{
    static const struct {
        const char *name;
        int value;
    } sizes[] = {
        {"xx-small", 900}, {"x-small", 1000}, {"small", 1300}, {"medium", 1600}, {"large", 1800}, {"x-large", 2400}, {"xx-large", 3200},
        {"smaller", -84}, {"larger", -121},
    };
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++)
        if (equals(s, sizes[i].name)) {
            *out = sizes[i].value;
            return 1;
        }
    Number n;
    i64 scale;
    if (!number(s, &n) || n.value < 0)
        return 0;
    if ((scale = unit_scale(n.unit)))
        *out = n.value * scale / 100;
    else if (equals(n.unit, "rem"))
        *out = n.value * 16;
    else if ((scale = relative_scale(n.unit)))
        *out = -(n.value * scale / 100) - 1;
    else
        return 0;
    return 1;
}

static int function_colour(Str s)
{
    size from = find_byte(s, '(', 0);
    Str inner = slice(s, from + 1);
    size end = find_byte(inner, ')', 0);
    if (end >= 0)
        inner.n = end;
    Str parts[4];
    int count = 0;
    size at = 0;
    while (at < inner.n) {
        if (is_blank(inner.p[at]) || inner.p[at] == ',' || inner.p[at] == '/') {
            at++;
            continue;
        }
        size begin = at;
        while (at < inner.n && !is_blank(inner.p[at]) && inner.p[at] != ',' && inner.p[at] != '/')
            at++;
        if (count == 4)
            return UNKNOWN_COLOUR;
        parts[count++] = (Str){inner.p + begin, at - begin};
    }
    if (count < 3)
        return UNKNOWN_COLOUR;
    int result = 0;
    Number n;
    for (int i = 0; i < 3; i++) {
        if (!number(parts[i], &n))
            return UNKNOWN_COLOUR;
        i64 channel = equals(n.unit, "%") ? floor_div(n.value * 255, 10000) : floor_div(n.value, 100);
        result = result << 8 | (int)(channel < 0 ? 0 : channel > 255 ? 255 : channel);
    }
    if (count == 4) {
        if (!number(parts[3], &n))
            return UNKNOWN_COLOUR;
        if (floor_div(n.value, equals(n.unit, "%") ? 100 : 1) <= FAINT_CENTI)
            return TRANSPARENT;
    }
    return result;
}

/* One colour in lower case; NO_COLOUR when it is none. */
static int colour(const Tables *tables, Str s)
{
    static const char *const functions[] = {"hsl(", "hsla(", "var(", "color(", "hwb(", "lab(", "lch(", "oklab(", "oklch("};
    const Slot *slot = look_up(&tables->colours, s);
    if (slot)
        return slot->number;
    if (equals(s, "transparent"))
        return TRANSPARENT;
    if (starts(s, "rgb(") || starts(s, "rgba("))
        return function_colour(s);
    for (size_t i = 0; i < sizeof functions / sizeof *functions; i++)
        if (starts(s, functions[i]))
            return UNKNOWN_COLOUR;
    if (s.n && s.p[0] == '#')
        s = slice(s, 1);
    if (s.n != 3 && s.n != 4 && s.n != 6 && s.n != 8)
        return NO_COLOUR;
    int d[8];
    for (size i = 0; i < s.n; i++) {
        d[i] = (u8)(s.p[i] - 'A') < 26 ? -1 : hex_digit(s.p[i]);
        if (d[i] < 0)
            return NO_COLOUR;
    }
    int value, alpha = 255;
    if (s.n >= 6) {
        value = d[0] << 20 | d[1] << 16 | d[2] << 12 | d[3] << 8 | d[4] << 4 | d[5];
        if (s.n == 8)
            alpha = d[6] << 4 | d[7];
    } else {
        value = d[0] * 0x110000 | d[1] * 0x1100 | d[2] * 0x11;
        if (s.n == 4)
            alpha = d[3] * 17;
    }
    return alpha <= 25 ? TRANSPARENT : value;
}

static inline void set(Declared *into, int property, i64 value)
{
    into->set |= 1u << property;
    into->value[property] = (int32_t)value;
}

static inline int get(const Declared *d, int property, int missing) { return d->set >> property & 1 ? d->value[property] : missing; }

static void update(Declared *into, const Declared *from)
{
    for (int i = 0; i < PROPERTIES; i++)
        if (from->set >> i & 1)
            into->value[i] = from->value[i];
    into->set |= from->set;
}

static void background(const Tables *tables, Str value, Declared *into)
{
    set(into, IMAGE, find(value, "url(", 0) >= 0 || find(value, "gradient", 0) >= 0);
    set(into, BACKGROUND, TRANSPARENT);
    size at = find(value, "rgb", 0);
    if (at >= 0) {
        set(into, BACKGROUND, function_colour(slice(value, at)));
        return;
    }
    Str part;
    for (int i = 0; i < 8 && token(&value, &part); i++) {
        int shade = colour(tables, part);
        if (shade != NO_COLOUR) {
            set(into, BACKGROUND, shade);
            return;
        }
    }
}

static void declare(const Tables *tables, Str name, Str value, Declared *into)
{
    static const struct {
        const char *name;
        int property, far;
    } lengths[] = {
        {"left", LEFT, 1}, {"top", TOP, 1}, {"right", RIGHT, 1}, {"bottom", BOTTOM, 1}, {"margin-left", MARGIN_LEFT, 1},
        {"margin-top", MARGIN_TOP, 1}, {"text-indent", INDENT, 1}, {"width", WIDTH, 0}, {"height", HEIGHT, 0}, {"max-width", MAX_WIDTH, 0},
        {"max-height", MAX_HEIGHT, 0},
    };
    i64 size_;
    Number n;
    if (name.n < 3)
        return;
    switch (name.p[0]) {
    case 'd':
        if (equals(name, "display"))
            set(into, DISPLAY, equals(value, "none"));
        return;
    case 'c':
        if (equals(name, "color")) {
            int shade = equals(value, "inherit") ? INHERIT : colour(tables, value);
            if (shade != NO_COLOUR)
                set(into, COLOUR, shade);
        } else if (equals(name, "clip")) {
            int nothing = starts(value, "rect(");
            for (size i = 5; nothing && i < value.n; i++)
                nothing = value.p[i] && strchr("01px, )", value.p[i]) != NULL;
            set(into, CLIP, nothing);
        }
        return;
    case 'f':
        if (equals(name, "font-size")) {
            if (font_size(value, &size_))
                set(into, FONT, size_);
        } else if (equals(name, "font")) {
            Str part;
            for (int i = 0; i < 8 && token(&value, &part); i++) {
                size slash = find_byte(part, '/', 0);
                if (slash >= 0)
                    part.n = slash;
                if (number(part, &n) && (n.unit.n || n.value == 0) && font_size(part, &size_)) {
                    set(into, FONT, size_);
                    return;
                }
            }
        }
        return;
    case 'b':
        if (equals(name, "background-color")) {
            int shade = colour(tables, value);
            if (shade != NO_COLOUR)
                set(into, BACKGROUND, shade);
            return;
        }
        if (equals(name, "background")) {
            background(tables, value, into);
            return;
        }
        if (equals(name, "background-image")) {
            set(into, IMAGE, !equals(value, "none"));
            return;
        }
        break;
    case 'o':
        if (equals(name, "overflow") || equals(name, "overflow-x") || equals(name, "overflow-y"))
            set(into, OVERFLOW_, equals(value, "hidden") || equals(value, "clip"));
        else if (equals(name, "opacity") && number(value, &n))
            set(into, OPACITY, floor_div(n.value, equals(n.unit, "%") ? 100 : 1) <= FAINT_CENTI);
        return;
    case 'v':
        if (equals(name, "visibility"))
            set(into, VISIBILITY, equals(value, "hidden") || equals(value, "collapse"));
        return;
    case 'p':
        if (equals(name, "position"))
            set(into, POSITION, equals(value, "absolute") || equals(value, "fixed") || equals(value, "relative"));
        return;
    case 'm':
        if (equals(name, "mso-hide")) {
            set(into, MSO, equals(value, "all"));
            return;
        }
        break;
    default:
        break;
    }
    for (size_t i = 0; i < sizeof lengths / sizeof *lengths; i++)
        if (equals(name, lengths[i].name)) {
            int known = length(value, &size_);
            set(into, lengths[i].property, known && size_ <= (lengths[i].far ? FAR_CENTI_PX : 100));
            return;
        }
}

/* The declarations of a block that is in lower case and without comments. */
static void declarations(const Tables *tables, Str block, Declared *into)
{
    into->set = 0;
    size at = 0;
    while (at <= block.n) {
        size end = find_byte(block, ';', at);
        if (end < 0)
            end = block.n;
        Str part = {block.p + at, end - at};
        size colon = find_byte(part, ':', 0);
        if (colon >= 0) {
            Str value = strip(slice(part, colon + 1));
            size mark = find_byte(value, '!', 0);
            if (mark >= 0) {
                value.n = mark;
                while (value.n && is_space(value.p[value.n - 1]))
                    value.n--;
            }
            declare(tables, strip((Str){part.p, colon}), value, into);
        }
        at = end + 1;
    }
}

/* The text in lower case, comments replaced by one space each, in `scratch`. */
static Str lowered(Scan *s, Str text)
{
    s->scratch.n = 0;
    if (!grow(&s->scratch, text.n + 1, &s->failed))
        return (Str){(const u8 *)"", 0};
    u8 *to = s->scratch.p;
    size at = 0, n = 0;
    while (at < text.n) {
        size end = find(text, "/*", at);
        size stop = end < 0 ? text.n : end;
        for (; at < stop; at++)
            to[n++] = lower(text.p[at]);
        if (end < 0)
            break;
        end = find(text, "*/", at + 2);
        if (end < 0)
            break;
        to[n++] = ' ';
        at = end + 2;
    }
    return (Str){to, n};
}

static size replace_by_space(u8 *p, size n, const char *what)
{
    Str s = {p, n};
    size w = (size)strlen(what), at = find(s, what, 0), to = at;
    if (at < 0)
        return n;
    while (at < n) {
        if (p[at] == (u8)what[0] && starts(slice(s, at), what)) {
            p[to++] = ' ';
            at += w;
        } else {
            p[to++] = p[at++];
        }
    }
    return to;
}

static Rule *rule_of(Scan *s, Str key, uint32_t *where)
{
    if (key.n > SELECTOR_BYTES || !s->rule_slots)
        return NULL;
    uint32_t h = hash_bytes(key.p, key.n), i = h & s->rule_mask;
    for (; s->rule_slots[i] >= 0; i = (i + 1) & s->rule_mask) {
        Rule *rule = &s->rules[s->rule_slots[i]];
        if (rule->hash == h && rule->key_n == key.n && !memcmp(rule->key, key.p, (size_t)key.n))
            return rule;
    }
    if (where)
        *where = i;
    return NULL;
}

static int add_rule(Scan *s, Str key, const Declared *block)
{
    if (!s->rule_slots) {
        uint32_t room = 16;
        while ((size)room < s->caps.rules * 2 + 2)
            room *= 2;
        s->rule_slots = PyMem_RawMalloc(room * sizeof *s->rule_slots);
        if (!s->rule_slots) {
            s->failed = 1;
            return 0;
        }
        memset(s->rule_slots, 0xFF, room * sizeof *s->rule_slots);
        s->rule_mask = room - 1;
    }
    uint32_t where = 0;
    Rule *rule = rule_of(s, key, &where);
    if (rule) {
        update(&rule->declared, block);
        return 1;
    }
    if (s->rules_n >= s->caps.rules)
        return 0;
    if (s->rules_n == s->rules_room) {
        size room = s->rules_room ? s->rules_room * 2 : 16;
        Rule *grown = PyMem_RawRealloc(s->rules, (size_t)room * sizeof *grown);
        if (!grown) {
            s->failed = 1;
            return 0;
        }
        s->rules = grown;
        s->rules_room = room;
    }
    rule = &s->rules[s->rules_n];
    memcpy(rule->key, key.p, (size_t)key.n);
    rule->key_n = (int)key.n;
    rule->hash = hash_bytes(key.p, key.n);
    rule->declared = *block;
    s->rule_slots[where] = (int32_t)s->rules_n++;
    return 1;
}

/* `*`, `tag`, `.class`, `#id`, `tag.class`, `tag#id`: (?:\*|[a-z][a-z0-9]*)?(?:[.#][a-z0-9_-]+)? */
static int simple_selector(Str s)
{
    size at = 0;
    if (!s.n || s.n > SELECTOR_BYTES)
        return 0;
    if (s.p[0] == '*')
        at = 1;
    else if ((u8)(s.p[0] - 'a') < 26)
        while (at < s.n && ((u8)(s.p[at] - 'a') < 26 || is_digit(s.p[at])))
            at++;
    if (at == s.n)
        return 1;
    if (s.p[at] != '.' && s.p[at] != '#')
        return 0;
    size begin = ++at;
    while (at < s.n && ((u8)(s.p[at] - 'a') < 26 || is_digit(s.p[at]) || s.p[at] == '_' || s.p[at] == '-'))
        at++;
    return at == s.n && at > begin;
}

static int is_selector_edge(u8 c) { return is_space(c) || c == '}'; }

/* `@media all`, `@media screen`, and either with `only`. */
static int plain_media(Str prelude)
{
    Str part;
    if (!token(&prelude, &part) || !equals(part, "@media") || !token(&prelude, &part))
        return 0;
    if (equals(part, "only") && !token(&prelude, &part))
        return 0;
    return (equals(part, "all") || equals(part, "screen")) && !token(&prelude, &part);
}

/* 0 when the limit of rules was reached. */
static int sheet(Scan *s, Str text)
{
    text = lowered(s, text);
    u8 *p = s->scratch.p;
    if (s->failed)
        return 1;
    text.n = replace_by_space(p, text.n, "<!--");
    text.n = replace_by_space(p, text.n, "-->");
    size at = 0;
    while (at < text.n) {
        size brace = find_byte(text, '{', at);
        if (brace < 0)
            break;
        Str selectors = {text.p + at, brace - at};
        for (size i = selectors.n; i > 0; i--)
            if (selectors.p[i - 1] == ';') {
                selectors = slice(selectors, i);
                break;
            }
        while (selectors.n && is_selector_edge(selectors.p[0]))
            selectors = slice(selectors, 1);
        while (selectors.n && is_selector_edge(selectors.p[selectors.n - 1]))
            selectors.n--;
        if (selectors.n && selectors.p[0] == '@') {
            if (plain_media(selectors)) {
                at = brace + 1;
                continue;
            }
            int level = 1;
            for (at = brace + 1; at < text.n; at++) {
                if (text.p[at] == '{')
                    level++;
                else if (text.p[at] == '}' && --level == 0) {
                    at++;
                    break;
                }
            }
            continue;
        }
        size end = find_byte(text, '}', brace + 1);
        if (end < 0)
            end = text.n;
        at = end + 1;
        Declared block;
        declarations(s->tables, (Str){text.p + brace + 1, end - brace - 1}, &block);
        if (!block.set)
            continue;
        size from = 0;
        while (from <= selectors.n) {
            size comma = find_byte(selectors, ',', from);
            if (comma < 0)
                comma = selectors.n;
            Str one = strip((Str){selectors.p + from, comma - from});
            from = comma + 1;
            if (!simple_selector(one))
                continue;
            if (starts(one, "*.") || starts(one, "*#"))
                one = slice(one, 1);
            if (!add_rule(s, one, &block))
                return 0;
        }
    }
    return 1;
}

/* ---- text ---- */

/* The number of bytes of an invisible character at p, 0 when there is none. */
static inline int invisible(const u8 *p, size n)
{
    if (n < 2)
        return 0;
    switch (p[0]) {
    case 0xC2:
        return p[1] == 0xAD ? 2 : 0;
    case 0xCD:
        return p[1] == 0x8F ? 2 : 0;
    case 0xE1:
        return n >= 3 && p[1] == 0xA0 && p[2] == 0x8E ? 3 : 0;
    case 0xE2:
        if (n < 3)
            return 0;
        if (p[1] == 0x80)
            return (p[2] >= 0x8B && p[2] <= 0x8F) || (p[2] >= 0xAA && p[2] <= 0xAE) ? 3 : 0;
        if (p[1] == 0x81)
            return (p[2] >= 0xA0 && p[2] <= 0xA4) || (p[2] >= 0xA6 && p[2] <= 0xA9) ? 3 : 0;
        return 0;
    case 0xEF:
        return n >= 3 && p[1] == 0xBB && p[2] == 0xBF ? 3 : 0;
    case 0xF3:
        return n >= 4 && p[1] == 0xA0 && (p[2] == 0x80 || p[2] == 0x81) && p[3] >= 0x80 && p[3] <= 0xBF ? 4 : 0;
    default:
        return 0;
    }
}

static inline void put_out(Out *out, u8 c, int *failed)
{
    if (out->pending) {
        if (out->buf.n)
            put(&out->buf, out->pending == 2 ? '\n' : ' ', failed);
        out->pending = 0;
    }
    put(&out->buf, c, failed);
}

/* Bookkeeping of invisible runs in the visible text: a byte that can be seen arrives. */
static inline void seen_byte(Scan *s, u8 c)
{
    if (s->run) {
        if (s->run_counts && s->run_hard && is_alpha(s->before_run) && is_alpha(c))
            s->counts[N_SPLIT]++;
        s->run = 0;
    }
    s->before_run = c;
}

static void unseen_char(Scan *s, const u8 *p)
{
    if (!s->run) {
        s->run = 1;
        s->run_hard = 0;
        s->run_counts = s->runs < RUNS;
        s->runs += s->run_counts;
    }
    int soft = p[0] == 0xC2;
    s->run_hard |= !soft;
    if (!s->run_counts)
        return;
    if (soft) {
        s->counts[N_SOFT]++;
        return;
    }
    s->counts[N_ZERO_WIDTH]++;
    if (p[0] == 0xE2 && p[1] == 0x80 && (p[2] == 0xAD || p[2] == 0xAE))
        s->counts[N_BIDI]++;
}

/* Writes text collapsed; `counted` for the visible text, where invisible characters are counted. */
static void emit(Scan *s, Out *out, Str text, int pre, int counted)
{
    for (size i = 0; i < text.n; i++) {
        u8 c = text.p[i];
        if (c > ' ' && c < 0x80) {
            size end = i + 1;
            while (end < text.n && text.p[end] > ' ' && text.p[end] < 0x80)
                end++;
            if (counted) {
                seen_byte(s, c);
                s->before_run = text.p[end - 1];
            }
            put_out(out, c, &s->failed);
            append(&out->buf, text.p + i + 1, end - i - 1, &s->failed);
            i = end - 1;
        } else if (c < 0x80) { /* white space, or a break: other control characters do not get here */
            if (counted)
                seen_byte(s, c);
            if (c == 0x1E || (pre && c == '\n'))
                out->pending = 2;
            else if (is_blank(c)) {
                if (!out->pending)
                    out->pending = 1;
            } else
                put_out(out, c, &s->failed);
        } else {
            int n = invisible(text.p + i, text.n - i);
            if (n) {
                if (counted)
                    unseen_char(s, text.p + i);
                i += n - 1;
                continue;
            }
            if (counted)
                seen_byte(s, c);
            if (c == 0xC2 && i + 1 < text.n && text.p[i + 1] == 0xA0) {
                i++;
                if (counted)
                    seen_byte(s, 0xA0);
                if (!out->pending)
                    out->pending = 1;
            } else
                put_out(out, c, &s->failed);
        }
    }
}

/* htmlfacts.plain with line feeds as spaces, appended to `into`; returns how many bytes were added. */
static size plain_line(Scan *s, Str text, Buf *into)
{
    Out out = {{NULL, 0, 0}, 0};
    emit(s, &out, text, 0, 0);
    for (size i = 0; i < out.buf.n; i++)
        if (out.buf.p[i] == '\n')
            out.buf.p[i] = ' ';
    append(into, out.buf.p, out.buf.n, &s->failed);
    size n = out.buf.n;
    PyMem_RawFree(out.buf.p);
    return s->failed ? 0 : n;
}

static int has_ink(Str text)
{
    for (size i = 0; i < text.n; i++) {
        u8 c = text.p[i];
        if ((c > ' ' && c < 0x7F) || (c >= 0xC3 && c <= 0xE1) || (c >= 0xE3 && c <= 0xEE) || (c >= 0xF0 && c <= 0xF4))
            return 1;
    }
    return 0;
}

static void text_masked(Scan *s, Str text, int mask)
{
    if (!mask) {
        emit(s, &s->visible, text, s->pre, 1);
        s->hidden_last = 0;
    } else {
        if (!s->hidden_last) {
            if (!s->hidden.pending)
                s->hidden.pending = 1;
            s->hidden_last = 1;
        }
        emit(s, &s->hidden, text, s->pre, 0);
    }
    if ((!s->text_seen || (mask & ~s->hidden_by)) && has_ink(text)) {
        s->text_seen = 1;
        s->hidden_by |= mask;
    }
}

static void add_text(Scan *s, Str raw, int mask, int references)
{
    if (references && find_byte(raw, '&', 0) >= 0) {
        s->text.n = 0;
        decode(s->tables, raw, 0, &s->text, &s->failed);
        raw = (Str){s->text.p, s->text.n};
    }
    text_masked(s, raw, mask);
}

static void gap(Scan *s, const Element *element, int mask)
{
    if (!(element->flags & (BLOCK | SPACE)))
        return;
    Out *out = mask ? &s->hidden : &s->visible;
    if (!mask)
        seen_byte(s, ' ');
    if (element->flags & BLOCK)
        out->pending = 2;
    else if (!out->pending)
        out->pending = 1;
}

/* ---- links ---- */

/* Appends the URL as browsers take it; returns its size in bytes. */
static size clean_url(Scan *s, Str value, Buf *into)
{
    size from = into->n;
    value = strip(value);
    for (size i = 0; i < value.n && into->n - from < s->caps.url; i++)
        if (value.p[i] != '\t' && value.p[i] != '\n' && value.p[i] != '\r')
            put(into, value.p[i], &s->failed);
    return into->n - from;
}

static size add_link(Scan *s, Str value, int origin, int hidden)
{
    size from = s->urls.n, n = clean_url(s, value, &s->urls);
    if (s->failed)
        return -1;
    Str url = {s->urls.p + from, n};
    if (!n || url.p[0] == '#' || starts_any(url, "cid:") || starts_any(url, "mid:")) {
        s->urls.n = from;
        return -1;
    }
    if (starts_any(url, "javascript:") || starts_any(url, "vbscript:"))
        s->counts[N_SCRIPT_URLS]++;
    else if (starts_any(url, "data:")) {
        s->counts[N_DATA_URLS]++;
        if (n > 64)
            n = 64;
        s->urls.n = from + n;
    }
    if (s->links_n == s->links_room) {
        size room = s->links_room ? s->links_room * 2 : 32;
        Link *grown = PyMem_RawRealloc(s->links, (size_t)room * sizeof *grown);
        if (!grown) {
            s->failed = 1;
            return -1;
        }
        s->links = grown;
        s->links_room = room;
    }
    s->links[s->links_n] = (Link){from, n, 0, 0, origin, hidden != 0};
    return s->links_n++;
}

static void style_urls(Scan *s, Str text, int hidden)
{
    size done = 0, at = 0;
    while ((at = find_byte(text, '(', at)) >= 0) {
        if (at - done < 3 || !starts_any(slice(text, at - 3), "url(")) {
            at++;
            continue;
        }
        at++;
        while (at < text.n && is_space(text.p[at]))
            at++;
        if (at < text.n && (text.p[at] == '"' || text.p[at] == '\''))
            at++;
        size begin = at;
        while (at < text.n && text.p[at] != '"' && text.p[at] != '\'' && text.p[at] != ')')
            at++;
        add_link(s, (Str){text.p + begin, at - begin}, STYLES, hidden);
        done = at;
    }
}

static void end_anchor(Scan *s)
{
    if (s->anchor < 0)
        return;
    Link *link = &s->links[s->anchor];
    Str text = {s->visible.buf.p + s->anchor_from, s->visible.buf.n - s->anchor_from};
    if (text.n && (text.p[0] == ' ' || text.p[0] == '\n'))
        text = slice(text, 1);
    if (!text.n)
        text = (Str){s->alt.p + s->anchor_alt, s->anchor_alt_n};
    if (text.n > s->caps.text)
        text.n = s->caps.text;
    link->text = s->texts.n;
    link->text_n = text.n;
    append(&s->texts, text.p, text.n, &s->failed);
    for (size i = link->text; i < s->texts.n; i++)
        if (s->texts.p[i] == '\n')
            s->texts.p[i] = ' ';
    if (s->failed)
        link->text_n = 0;
    s->anchor = -1;
}

/* ---- the stack ---- */

static inline const Element *element_at(const Scan *s, int index) { return index < 0 ? &unknown_element : &s->tables->element[index]; }

static void pop_to(Scan *s, size index)
{
    for (size i = index; i < s->depth; i++) {
        const Entry *entry = &s->stack[i];
        const Element *element = element_at(s, entry->element);
        if (entry->element >= 0)
            s->open[entry->element]--;
        if (element->flags & PRE)
            s->pre--;
        if (element->what == SVG)
            s->svg--;
    }
    s->depth = index;
    s->state = index ? s->stack[index - 1].state : s->body_state;
    if (s->anchor >= 0 && index < s->anchor_depth)
        end_anchor(s);
}

static void close_group(Scan *s, int group, int stops)
{
    size last = s->depth > WALK ? s->depth - WALK : 0;
    for (size i = s->depth; i > last; i--) {
        const Element *element = element_at(s, s->stack[i - 1].element);
        if (element->group & group) {
            gap(s, element, s->state.mask);
            pop_to(s, i - 1);
            return;
        }
        if (element->group & stops)
            return;
    }
}

static int same_name(const Entry *entry, Str name, uint32_t hash)
{
    if (!entry->name || entry->hash != hash || entry->name_n != name.n)
        return 0;
    for (size i = 0; i < name.n; i++)
        if (lower(entry->name[i]) != lower(name.p[i]))
            return 0;
    return 1;
}

static void end_tag(Scan *s, Str name, uint32_t hash, int index)
{
    const Element *element = element_at(s, index);
    if (element->flags & (IGNORED | VOID) || element->what == BODY) {
        if (element->what == BR)
            gap(s, element, s->state.mask);
        return;
    }
    if (element->what == TITLE)
        return;
    if (index < 0 || s->open[index] > 0) {
        int stops = element->group == TABLE ? 0 : element->group & (CELL | ROW | SECTION | TABLE) ? TABLE : TABLE | CELL;
        int crossed = 0;
        size last = s->depth > WALK ? s->depth - WALK : 0;
        for (size i = s->depth; i > last; i--) {
            Entry *entry = &s->stack[i - 1];
            const Element *other = element_at(s, entry->element);
            if (index >= 0 ? entry->element == index : entry->element < 0 && same_name(entry, name, hash)) {
                gap(s, element, s->state.mask);
                if (element->flags & FORMATTING && crossed & SPECIAL) {
                    entry->name = NULL;
                    entry->name_n = 0;
                    entry->element = -1;
                    s->open[index]--; /* formatting elements are known ones */
                    if (element->what == A)
                        end_anchor(s);
                } else
                    pop_to(s, i - 1);
                return;
            }
            if (other->group & stops)
                break;
            crossed |= other->flags;
        }
    }
    s->counts[BROKEN]++;
    gap(s, element, s->state.mask);
}

/* ---- styles ---- */

static int near(int a, int b)
{
    if (a == TRANSPARENT)
        return 1;
    if (a < 0 || b < 0)
        return 0;
    for (int shift = 0; shift <= 16; shift += 8) {
        int d = (a >> shift & 255) - (b >> shift & 255);
        if (d > NEAR_COLOUR || d < -NEAR_COLOUR)
            return 0;
    }
    return 1;
}

static State styled(State now, const Declared *d, int extra)
{
    int hard = now.hard | extra;
    if (get(d, DISPLAY, 0))
        hard |= HID_DISPLAY;
    now.visibility = get(d, VISIBILITY, now.visibility);
    if (d->set >> FONT & 1) {
        i64 font = d->value[FONT];
        if (font < 0) {
            font = (i64)now.font * (-font - 1) / 100;
            if (font > 10000000)
                font = 10000000;
        }
        now.font = (int)font;
    }
    int shade = get(d, COLOUR, INHERIT);
    if (shade != INHERIT)
        now.colour = shade;
    int ground = get(d, BACKGROUND, TRANSPARENT);
    if (ground != TRANSPARENT)
        now.background = ground;
    if (get(d, IMAGE, 0))
        now.background = UNKNOWN_COLOUR;
    if (get(d, OPACITY, 0))
        hard |= HID_OPACITY;
    if (get(d, MARGIN_LEFT, 0) || get(d, MARGIN_TOP, 0) || get(d, INDENT, 0) ||
        (get(d, POSITION, 0) && (get(d, LEFT, 0) || get(d, TOP, 0) || get(d, RIGHT, 0) || get(d, BOTTOM, 0) || get(d, CLIP, 0))))
        hard |= HID_OFFSCREEN;
    if (get(d, OVERFLOW_, 0) && (get(d, WIDTH, 0) || get(d, HEIGHT, 0) || get(d, MAX_WIDTH, 0) || get(d, MAX_HEIGHT, 0)))
        hard |= HID_SIZE;
    now.hard = hard;
    now.mask = hard;
    if (now.visibility)
        now.mask |= HID_VISIBILITY;
    if (now.font <= TINY_CENTI_PX)
        now.mask |= HID_SIZE;
    if (near(now.colour, now.background))
        now.mask |= HID_COLOUR;
    return now;
}

/* A colour from an attribute, in any case. */
static int attribute_colour(Scan *s, Str value)
{
    value = strip(value);
    if (value.n > 4096) { /* names and numbers are short; a function this long is no colour that anybody wrote */
        s->scratch2.n = 0;
        if (!grow(&s->scratch2, value.n, &s->failed))
            return NO_COLOUR;
        for (size i = 0; i < value.n; i++)
            s->scratch2.p[i] = lower(value.p[i]);
        return colour(s->tables, (Str){s->scratch2.p, value.n});
    }
    u8 small[4096];
    for (size i = 0; i < value.n; i++)
        small[i] = lower(value.p[i]);
    return colour(s->tables, (Str){small, value.n});
}

static void apply(Scan *s, Declared *own, Str tag, u8 mark, Str name)
{
    u8 key[SELECTOR_BYTES];
    size n = tag.n + (mark != 0) + name.n;
    if (n > SELECTOR_BYTES)
        return;
    for (size i = 0; i < tag.n; i++)
        key[i] = lower(tag.p[i]);
    if (mark)
        key[tag.n] = mark;
    for (size i = 0; i < name.n; i++)
        key[tag.n + 1 + i] = lower(name.p[i]);
    const Rule *rule = rule_of(s, (Str){key, n}, NULL);
    if (rule)
        update(own, &rule->declared);
}

static State compute(Scan *s, Str name, const Element *element)
{
    Declared own;
    own.set = 0;
    const Str nothing = {(const u8 *)"", 0};
    if (element->what == A && has(s, AT_HREF))
        set(&own, COLOUR, 0x0000EE);
    int extra = element->flags & UNSEEN ? HID_ELEMENT : 0;
    if (has(s, AT_BGCOLOR)) {
        int shade = attribute_colour(s, value_of(s, AT_BGCOLOR));
        if (shade != NO_COLOUR)
            set(&own, BACKGROUND, shade);
    }
    if (strip(value_of(s, AT_BACKGROUND)).n)
        set(&own, IMAGE, 1);
    int coloured = element->what == FONT_TAG ? AT_COLOR : element->what == BODY ? AT_TEXT : -1;
    if (coloured >= 0 && has(s, coloured)) {
        int shade = attribute_colour(s, value_of(s, coloured));
        if (shade != NO_COLOUR)
            set(&own, COLOUR, shade);
    }
    if (has(s, AT_HIDDEN))
        extra |= HID_ATTRIBUTE;
    if (element->what == DIALOG && !has(s, AT_OPEN))
        extra |= HID_DISPLAY;
    if (s->rules_n) {
        apply(s, &own, (Str){(const u8 *)"*", 1}, 0, nothing);
        apply(s, &own, name, 0, nothing);
        Str classes = value_of(s, AT_CLASS), one;
        for (int i = 0; i < 8 && token(&classes, &one); i++) {
            apply(s, &own, nothing, '.', one);
            apply(s, &own, name, '.', one);
        }
        Str id = strip(value_of(s, AT_ID));
        if (id.n) {
            apply(s, &own, nothing, '#', id);
            apply(s, &own, name, '#', id);
        }
    }
    Str inline_style = value_of(s, AT_STYLE);
    if (inline_style.n) {
        Declared declared;
        declarations(s->tables, lowered(s, inline_style), &declared);
        update(&own, &declared);
    }
    if (get(&own, MSO, 0))
        s->counts[N_MSO]++;
    if (!own.set && !extra)
        return s->state;
    return styled(s->state, &own, extra);
}

/* ---- elements that mean something of their own ---- */

static void image(Scan *s, int mask)
{
    s->counts[N_IMAGES]++;
    int tiny = 0;
    for (int side = AT_WIDTH; side <= AT_HEIGHT; side++) {
        Number n;
        if (has(s, side) && number(strip(value_of(s, side)), &n) && n.value <= TINY_CENTI_PX && !equals(n.unit, "%"))
            tiny = 1;
    }
    s->counts[N_TINY] += tiny;
    s->scratch2.n = 0;
    clean_url(s, value_of(s, AT_SRC), &s->scratch2);
    Str source = {s->scratch2.p, s->scratch2.n};
    if (starts_any(source, "http:") || starts_any(source, "https:") || starts(source, "//"))
        s->counts[N_REMOTE]++;
    else if (starts_any(source, "cid:") || starts_any(source, "mid:"))
        s->counts[N_INLINE]++;
    add_link(s, value_of(s, AT_SRC), IMAGES, mask | tiny);
    if (!mask && !tiny && value_of(s, AT_ALT).n) {
        size before = s->alt.n;
        if (before)
            put(&s->alt, '\n', &s->failed);
        size from = s->alt.n;
        size n = plain_line(s, value_of(s, AT_ALT), &s->alt);
        if (!n)
            s->alt.n = before;
        else if (s->anchor >= 0 && !s->anchor_alt_n) {
            s->anchor_alt = from;
            s->anchor_alt_n = n;
        }
    }
}

static void input(Scan *s, int mask)
{
    s->counts[N_INPUTS]++;
    Str kind = strip(value_of(s, AT_TYPE));
    if (equals_any(kind, "hidden"))
        return;
    if (equals_any(kind, "password"))
        s->counts[N_PASSWORDS]++;
    if (equals_any(kind, "image") && has(s, AT_SRC))
        add_link(s, value_of(s, AT_SRC), IMAGES, mask);
    if (has(s, AT_FORMACTION))
        add_link(s, value_of(s, AT_FORMACTION), FORMS, mask);
    int button = equals_any(kind, "submit") || equals_any(kind, "button") || equals_any(kind, "reset");
    Str shown = value_of(s, button ? AT_VALUE : AT_PLACEHOLDER);
    if (shown.n)
        text_masked(s, shown, mask);
}

static void special(Scan *s, int what, int mask)
{
    int target = -1, origin = FORMS;
    switch (what) {
    case A:
        end_anchor(s);
        if (has(s, AT_HREF)) {
            s->anchor = add_link(s, value_of(s, AT_HREF), ANCHOR, mask);
            s->anchor_from = s->visible.buf.n;
            s->anchor_depth = (size)1 << 30;
            s->anchor_alt = s->anchor_alt_n = 0;
        }
        return;
    case IMG:
        image(s, mask);
        return;
    case INPUT:
        input(s, mask);
        return;
    case FORM:
        s->counts[N_FORMS]++;
        target = AT_ACTION;
        break;
    case BUTTONS:
        target = AT_FORMACTION;
        break;
    case SCRIPT:
        s->counts[N_SCRIPTS]++;
        target = AT_SRC, origin = SCRIPTS;
        break;
    case IFRAME:
        s->counts[N_IFRAMES]++;
        target = AT_SRC, origin = FRAMES;
        break;
    case FRAME:
    case OBJECT:
        s->counts[N_OBJECTS]++;
        target = what == OBJECT ? AT_DATA : AT_SRC, origin = FRAMES;
        break;
    case AREA:
        if (has(s, AT_HREF))
            add_link(s, value_of(s, AT_HREF), AREAS, mask);
        if (!mask && value_of(s, AT_ALT).n) {
            size before = s->alt.n;
            if (before)
                put(&s->alt, '\n', &s->failed);
            if (!plain_line(s, value_of(s, AT_ALT), &s->alt))
                s->alt.n = before;
        }
        return;
    case BASE:
        if (!s->base.n && has(s, AT_HREF)) {
            clean_url(s, value_of(s, AT_HREF), &s->base);
            add_link(s, value_of(s, AT_HREF), BASES, mask);
        }
        return;
    case META:
        if (equals_any(strip(value_of(s, AT_HTTP_EQUIV)), "refresh")) {
            s->counts[N_REFRESH]++;
            Str content = value_of(s, AT_CONTENT);
            for (size i = 0; i + 4 <= content.n; i++)
                if (starts_any(slice(content, i), "url=")) {
                    content = slice(content, i + 4);
                    while (content.n && (is_space(content.p[0]) || content.p[0] == '"' || content.p[0] == '\''))
                        content = slice(content, 1);
                    while (content.n && (is_space(content.p[content.n - 1]) || content.p[content.n - 1] == '"' || content.p[content.n - 1] == '\''))
                        content.n--;
                    add_link(s, content, REFRESH, 0);
                    break;
                }
        }
        return;
    case LINK:
        target = AT_HREF, origin = STYLES, mask = 0;
        break;
    default:
        return;
    }
    if (has(s, target))
        add_link(s, value_of(s, target), origin, mask);
}

static void start_tag(Scan *s, Str name, uint32_t hash, int index, int closed)
{
    const Element *element = element_at(s, index);
    if (s->shape_tags < SHAPE_TAGS) {
        if (s->shape_tags++)
            put(&s->shape, ' ', &s->failed);
        if (index < 0)
            put(&s->shape, '?', &s->failed);
        else
            for (size i = 0; i < name.n; i++)
                put(&s->shape, lower(name.p[i]), &s->failed);
    }
    int flags = element->flags, what = element->what;
    if (flags & IGNORED)
        return;
    if (flags & CLOSES_P && s->open[s->tables->p])
        close_group(s, P, TABLE | CELL | BUTTON);
    if (element->closes)
        close_group(s, element->closes, element->stops);
    if (what == A && s->open[s->tables->a])
        end_tag(s, name, hash, s->tables->a);
    State state = s->state;
    if (s->any_found || s->rules_n || flags & UNSEEN || what == DIALOG)
        state = compute(s, name, element);
    int mask = state.mask;
    if (what == BODY && !s->body_seen) {
        s->body_seen = 1;
        if (!s->depth)
            s->state = s->body_state = state;
    }
    if (s->any_found) {
        if (has(s, AT_BACKGROUND))
            add_link(s, value_of(s, AT_BACKGROUND), IMAGES, mask);
        if (has(s, AT_STYLE))
            style_urls(s, value_of(s, AT_STYLE), mask);
    }
    gap(s, element, mask);
    if (what)
        special(s, what, mask);
    if (flags & RAW) {
        s->raw_state = state;
        return;
    }
    if (flags & VOID || what == BODY || (closed && s->svg))
        return;
    if (s->depth >= s->caps.depth) {
        s->limits |= OVER_DEPTH;
        return;
    }
    if (s->depth == s->stack_room) {
        size room = s->stack_room ? s->stack_room * 2 : 64;
        Entry *grown = PyMem_RawRealloc(s->stack, (size_t)room * sizeof *grown);
        if (!grown) {
            s->failed = 1;
            return;
        }
        s->stack = grown;
        s->stack_room = room;
    }
    s->stack[s->depth++] = (Entry){name.p, name.n, hash, index, state};
    if (index >= 0)
        s->open[index]++;
    s->state = state;
    if (flags & PRE)
        s->pre++;
    if (what == SVG)
        s->svg++;
    if (s->depth > s->counts[MAX_DEPTH])
        s->counts[MAX_DEPTH] = s->depth;
    if (what == A)
        s->anchor_depth = s->depth;
}

static void raw_text(Scan *s, const Element *element, Str content)
{
    switch (element->what) {
    case STYLE: {
        style_urls(s, (Str){content.p, content.n < s->caps.sheets ? content.n : s->caps.sheets}, 0);
        if (s->second || !content.n)
            return;
        size room = s->caps.sheets - s->sheet_bytes;
        if (content.n > room) {
            s->limits |= OVER_STYLES;
            content.n = room;
        }
        s->sheet_bytes += content.n;
        if (!sheet(s, content))
            s->limits |= OVER_STYLES;
        if (s->text_seen && s->rules_n)
            s->late_rules = 1;
        return;
    }
    case TITLE:
        if (!s->title.n) {
            s->text.n = 0;
            decode(s->tables, content, 0, &s->text, &s->failed);
            plain_line(s, (Str){s->text.p, s->text.n}, &s->title);
        }
        return;
    case TEXTAREA:
    case XMP:
        s->pre++;
        add_text(s, content, s->raw_state.mask, element->what == TEXTAREA);
        s->pre--;
        gap(s, element, s->raw_state.mask);
        return;
    default:
        return;
    }
}

static void comment(Scan *s, Str content)
{
    s->counts[N_COMMENTS]++;
    Str inner = content;
    while (inner.n && is_space(inner.p[0]))
        inner = slice(inner, 1);
    if (starts_any(inner, "[if") || starts_any(inner, "<![endif")) {
        s->counts[N_CONDITIONALS]++;
        return;
    }
    i64 chars = 0;
    for (size i = 0; i < content.n; i++)
        chars += (content.p[i] & 0xC0) != 0x80;
    s->counts[N_COMMENT_CHARS] += chars;
}

/* ---- the tokens ---- */

static int attribute_of(Str name)
{
    if (name.n < 2 || name.n > 11)
        return -1;
    u8 first = lower(name.p[0]);
    for (int i = 0; i < ATTRIBUTES; i++)
        if ((u8)attribute_names[i][0] == first && equals_any(name, attribute_names[i]))
            return i;
    return -1;
}

static void keep_attribute(Scan *s, Str name, size at, size n)
{
    int which = attribute_of(name);
    if (which < 0) {
        if (name.n >= 2 && lower(name.p[0]) == 'o' && lower(name.p[1]) == 'n')
            s->counts[N_HANDLERS]++;
        return;
    }
    Value *value = &s->found[which];
    if (value->present)
        return;
    s->any_found = 1;
    *value = (Value){at, n, 0, 1};
    Str text = {s->data + at, n};
    if (n && find_byte(text, '&', 0) >= 0) {
        size from = s->decoded.n;
        decode(s->tables, text, 1, &s->decoded, &s->failed);
        *value = (Value){from, s->failed ? 0 : s->decoded.n - from, 1, 1};
    }
}

/* Where `</name` followed by white space, `/` or `>` stands; -1 nowhere. */
static size raw_end(Str data, Str name, size from)
{
    while ((from = find_byte(data, '<', from)) >= 0) {
        size at = from + 1;
        if (at + name.n + 1 < data.n && data.p[at] == '/') {
            size i = 0;
            while (i < name.n && lower(data.p[at + 1 + i]) == lower(name.p[i]))
                i++;
            u8 after = data.p[at + 1 + name.n];
            if (i == name.n && (is_space(after) || after == '/' || after == '>'))
                return from;
        }
        from++;
    }
    return -1;
}

static size comment_end(Str data, size from, size *after)
{
    for (size at = from; (at = find_byte(data, '>', at)) >= 0; at++) {
        if (at - 2 >= from && data.p[at - 1] == '-' && data.p[at - 2] == '-') {
            *after = at + 1;
            return at - 2;
        }
        if (at - 3 >= from && data.p[at - 1] == '!' && data.p[at - 2] == '-' && data.p[at - 3] == '-') {
            *after = at + 1;
            return at - 3;
        }
    }
    *after = data.n;
    return data.n;
}

static size run(Scan *s, Str data, size tags)
{
    i64 last = s->counts[TAGS] + s->counts[N_COMMENTS] + tags;
    size at = 0, start = 0;
    u8 small[64];
    s->data = data.p;
    while (!s->failed) {
        size mark = at;
        for (;; mark++) { /* the next `<` that begins markup */
            mark = find_byte(data, '<', mark);
            if (mark < 0 || mark + 1 >= data.n) {
                mark = -1;
                break;
            }
            u8 c = data.p[mark + 1];
            if (is_alpha(c) || c == '/' || c == '!' || c == '?')
                break;
        }
        size end_of_text = mark < 0 ? data.n : mark;
        if (end_of_text > start)
            add_text(s, (Str){data.p + start, end_of_text - start}, s->state.mask, 1);
        if (mark < 0)
            return data.n;
        if (s->counts[TAGS] + s->counts[N_COMMENTS] >= last) {
            s->limits |= OVER_TAGS;
            return mark;
        }
        u8 following = data.p[mark + 1];
        int ending = following == '/';
        if (following == '!' || following == '?' || (ending && !(mark + 2 < data.n && is_alpha(data.p[mark + 2])))) {
            Str here = slice(data, mark);
            if (starts(here, "<!--")) {
                size body = mark + 4, end;
                if (starts(slice(data, body), ">"))
                    end = body, at = body + 1;
                else if (starts(slice(data, body), "->"))
                    end = body, at = body + 2;
                else
                    end = comment_end(data, body, &at);
                comment(s, (Str){data.p + body, end - body});
            } else {
                size end = find_byte(data, '>', mark + 2);
                at = end < 0 ? data.n : end + 1;
                if (ending)
                    s->counts[BROKEN]++;
                s->counts[N_COMMENTS]++;
            }
            start = at;
            continue;
        }
        size name_at = mark + 1 + ending;
        at = name_at;
        while (at < data.n && !is_space(data.p[at]) && data.p[at] != '/' && data.p[at] != '>')
            at++;
        Str name = {data.p + name_at, at - name_at};
        uint32_t hash = hash_lower(name.p, name.n);
        int index = -1;
        if (name.n <= (size)sizeof small) {
            for (size i = 0; i < name.n; i++)
                small[i] = lower(name.p[i]);
            const Slot *slot = look_up(&s->tables->elements, (Str){small, name.n});
            if (slot)
                index = slot->number;
        }
        /* attributes */
        if (s->any_found) {
            memset(s->found, 0, sizeof s->found);
            s->any_found = 0;
            s->decoded.n = 0;
        }
        size seen = 0;
        int closed = 0, complete = 0;
        for (;;) {
            if (at < data.n && data.p[at] == '>') {
                at++;
                complete = 1;
                break;
            }
            size gap_at = at;
            while (at < data.n && (is_space(data.p[at]) || data.p[at] == '/'))
                at++;
            if (at >= data.n || data.p[at] == '>') {
                closed = at > gap_at && data.p[at - 1] == '/';
                complete = at < data.n;
                at++;
                break;
            }
            size key_at = at++;
            while (at < data.n && !is_space(data.p[at]) && data.p[at] != '/' && data.p[at] != '>' && data.p[at] != '=')
                at++;
            size key_n = at - key_at, value_at = at, value_n = 0, next = at;
            while (next < data.n && is_space(data.p[next]))
                next++;
            if (next < data.n && data.p[next] == '=') {
                next++;
                while (next < data.n && is_space(data.p[next]))
                    next++;
                if (next < data.n) {
                    u8 c = data.p[next];
                    if (c == '"' || c == '\'') {
                        size quote = find_byte(data, c, next + 1);
                        if (quote < 0)
                            break; /* incomplete: the rest of the document is inside this tag */
                        value_at = next + 1;
                        value_n = quote - value_at;
                        at = quote + 1;
                    } else {
                        value_at = at = next;
                        while (at < data.n && !is_space(data.p[at]) && data.p[at] != '>')
                            at++;
                        value_n = at - value_at;
                    }
                }
            }
            seen++;
            if (seen > s->caps.attributes)
                s->limits |= OVER_ATTRIBUTES;
            else if (!ending)
                keep_attribute(s, (Str){data.p + key_at, key_n}, value_at, value_n);
        }
        if (!complete) {
            s->counts[BROKEN]++;
            return data.n;
        }
        s->counts[TAGS]++;
        start = at;
        if (ending) {
            end_tag(s, name, hash, index);
            continue;
        }
        start_tag(s, name, hash, index, closed);
        const Element *element = element_at(s, index);
        if (element->flags & RAW) {
            size close = raw_end(data, name, at);
            size end = close < 0 ? data.n : close;
            raw_text(s, element, (Str){data.p + at, end - at});
            if (close < 0)
                return data.n;
            end = find_byte(data, '>', close + 2 + name.n);
            start = at = end < 0 ? data.n : end + 1;
        }
    }
    return data.n;
}

/* ---- the whole ---- */

static void fresh(Scan *s)
{
    s->depth = 0;
    memset(s->open, 0, (size_t)s->tables->count * sizeof *s->open);
    s->state = s->body_state = s->raw_state = root_state;
    s->pre = s->svg = 0;
    s->anchor = -1;
    s->anchor_depth = s->anchor_from = s->anchor_alt = s->anchor_alt_n = 0;
}

static void begin_pass(Scan *s, int second)
{
    s->second = second;
    s->late_rules = s->hidden_last = s->shape_tags = s->hidden_by = s->text_seen = s->body_seen = 0;
    s->visible.buf.n = s->hidden.buf.n = s->alt.n = s->title.n = s->base.n = s->shape.n = s->urls.n = s->texts.n = 0;
    s->visible.pending = s->hidden.pending = 0;
    s->links_n = 0;
    memset(s->counts, 0, sizeof s->counts);
    s->sheet_bytes = 0;
    s->run = s->run_counts = s->run_hard = s->runs = 0;
    s->before_run = 0;
    fresh(s);
}

static void scan_all(Scan *s, Str head, Str tail)
{
    for (int second = 0; second < 2 && !s->failed; second++) {
        begin_pass(s, second);
        size reached = run(s, head, s->caps.tags);
        Str rest = tail;
        if (reached < head.n && !tail.n) {
            size begin = head.n > s->caps.tail ? head.n - s->caps.tail : 0;
            if (begin < reached)
                begin = reached;
            while (begin < head.n && (head.p[begin] & 0xC0) == 0x80)
                begin++;
            rest = slice(head, begin);
        }
        end_anchor(s);
        if (rest.n) {
            fresh(s);
            text_masked(s, (Str){(const u8 *)"\x1e", 1}, 0);
            run(s, rest, (size)1 << 40);
            end_anchor(s);
        }
        if (!s->late_rules)
            break;
    }
}

static inline int is_control(u8 c) { return (c < 0x20 && !is_space(c)) || c == 0x7F; }

/* The document without control characters: NUL goes, the others become spaces. Copied into `into` only where there are any. */
static Str cleaned(Scan *s, Str text, Buf *into)
{
    int any = 0;
    size at = 0;
    while (at < text.n && !any) {
        /* Eight bytes at a time while none is below a space or DEL: the usual case. */
        uint64_t word, low = 0x2020202020202020u, del = 0x7F7F7F7F7F7F7F7Fu, ones = 0x0101010101010101u, high = 0x8080808080808080u;
        while (at + 8 <= text.n) {
            memcpy(&word, text.p + at, 8);
            uint64_t equal = word ^ del;
            if (((word - low) & ~word & high) || ((equal - ones) & ~equal & high))
                break;
            at += 8;
        }
        size stop = at + 8 < text.n ? at + 8 : text.n;
        for (; at < stop; at++)
            any |= is_control(text.p[at]);
    }
    if (!any)
        return text;
    if (!grow(into, text.n, &s->failed))
        return (Str){(const u8 *)"", 0};
    for (size i = 0; i < text.n; i++)
        if (text.p[i])
            into->p[into->n++] = is_control(text.p[i]) ? ' ' : text.p[i];
    return (Str){into->p, into->n};
}

static void release(Scan *s)
{
    Buf *all[] = {&s->visible.buf, &s->hidden.buf, &s->alt, &s->title, &s->base, &s->shape, &s->urls, &s->texts, &s->decoded, &s->scratch, &s->scratch2, &s->text,
                  &s->head, &s->tail};
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        PyMem_RawFree(all[i]->p);
    PyMem_RawFree(s->links);
    PyMem_RawFree(s->stack);
    PyMem_RawFree(s->open);
    PyMem_RawFree(s->rules);
    PyMem_RawFree(s->rule_slots);
}

static PyObject *bytes_of(const Buf *b) { return PyBytes_FromStringAndSize((const char *)b->p, b->n); }

static PyObject *links_of(Scan *s)
{
    size n = s->links_n, skip_from = n, skip_to = n;
    if (n > s->caps.links) {
        s->limits |= OVER_LINKS;
        size behind = s->caps.links / 4;
        skip_from = s->caps.links - behind;
        skip_to = n - behind;
    }
    PyObject *list = PyList_New(skip_from + (n - skip_to));
    if (!list)
        return NULL;
    size to = 0;
    for (size i = 0; i < n; i++) {
        if (i == skip_from)
            i = skip_to;
        if (i >= n)
            break;
        const Link *link = &s->links[i];
        PyObject *one = Py_BuildValue("(y#y#ii)", (const char *)s->urls.p + link->url, link->url_n,
                                      link->text_n ? (const char *)s->texts.p + link->text : "", link->text_n, link->origin, link->hidden);
        if (!one) {
            Py_DECREF(list);
            return NULL;
        }
        PyList_SET_ITEM(list, to++, one);
    }
    return list;
}

static PyObject *counts_of(const Scan *s)
{
    PyObject *counts = PyTuple_New(N_COUNTS);
    if (!counts)
        return NULL;
    for (int i = 0; i < N_COUNTS; i++) {
        PyObject *one = PyLong_FromLongLong(s->counts[i]);
        if (!one) {
            Py_DECREF(counts);
            return NULL;
        }
        PyTuple_SET_ITEM(counts, i, one);
    }
    return counts;
}

#define CAPSULE "wardline.protocols._html.tables"

static PyObject *html_scan(PyObject *module, PyObject *args)
{
    (void)module;
    const char *head, *tail;
    Py_ssize_t head_n, tail_n;
    PyObject *capsule;
    Scan s;
    memset(&s, 0, sizeof s);
    Caps *c = &s.caps;
    if (!PyArg_ParseTuple(args, "y#y#(nnnnnnnnn)O:scan", &head, &head_n, &tail, &tail_n, &c->tags, &c->tail, &c->depth, &c->attributes, &c->links,
                          &c->rules, &c->url, &c->text, &c->sheets, &capsule))
        return NULL;
    s.tables = PyCapsule_GetPointer(capsule, CAPSULE);
    if (!s.tables)
        return NULL;
    const size most = (size)1 << 28;
    const size caps[] = {c->tags, c->tail, c->depth, c->attributes, c->links, c->rules, c->url, c->text, c->sheets};
    for (size_t i = 0; i < sizeof caps / sizeof *caps; i++)
        if (caps[i] < 0 || caps[i] > most) {
            PyErr_SetString(PyExc_ValueError, "scan: every cap must lie between 0 and 2**28");
            return NULL;
        }
    s.open = PyMem_RawCalloc((size_t)s.tables->count, sizeof *s.open);
    if (!s.open)
        return PyErr_NoMemory();
    Py_BEGIN_ALLOW_THREADS
    Str first = cleaned(&s, (Str){(const u8 *)head, head_n}, &s.head), last = cleaned(&s, (Str){(const u8 *)tail, tail_n}, &s.tail);
    grow(&s.visible.buf, head_n / 4 + 64, &s.failed); /* most documents are three quarters markup */
    grow(&s.alt, 64, &s.failed);
    if (!s.failed)
        scan_all(&s, first, last);
    Py_END_ALLOW_THREADS
    PyObject *result = NULL, *links = NULL;
    if (s.failed)
        PyErr_NoMemory();
    else if ((links = links_of(&s)))
        result = Py_BuildValue("(NNNNNNNiiN)", bytes_of(&s.visible.buf), bytes_of(&s.hidden.buf), bytes_of(&s.alt), bytes_of(&s.title),
                               bytes_of(&s.base), bytes_of(&s.shape), links, s.hidden_by, s.limits, counts_of(&s));
    release(&s);
    return result;
}

static void free_map(Map *map)
{
    if (map->slots)
        for (uint32_t i = 0; i <= map->mask; i++) {
            PyMem_RawFree(map->slots[i].key);
            PyMem_RawFree(map->slots[i].text);
        }
    PyMem_RawFree(map->slots);
}

static void free_tables(Tables *tables)
{
    if (!tables)
        return;
    free_map(&tables->elements);
    free_map(&tables->entities);
    free_map(&tables->colours);
    PyMem_RawFree(tables->element);
    PyMem_RawFree(tables);
}

static void free_capsule(PyObject *capsule) { free_tables(PyCapsule_GetPointer(capsule, CAPSULE)); }

static int new_map(Map *map, size count)
{
    uint32_t room = 16;
    while ((size)room < count * 3)
        room *= 2;
    map->mask = room - 1;
    map->slots = PyMem_RawCalloc(room, sizeof *map->slots);
    if (!map->slots)
        PyErr_NoMemory();
    return map->slots != NULL;
}

static u8 *copy_bytes(PyObject *bytes, int *n)
{
    if (!PyBytes_Check(bytes) || PyBytes_GET_SIZE(bytes) > 64) {
        PyErr_SetString(PyExc_TypeError, "tables: expected bytes of at most 64");
        return NULL;
    }
    *n = (int)PyBytes_GET_SIZE(bytes);
    u8 *copy = PyMem_RawMalloc((size_t)*n + 1);
    if (!copy) {
        PyErr_NoMemory();
        return NULL;
    }
    memcpy(copy, PyBytes_AS_STRING(bytes), (size_t)*n + 1);
    return copy;
}

static Slot *insert(Map *map, PyObject *key)
{
    int n;
    u8 *copy = copy_bytes(key, &n);
    if (!copy)
        return NULL;
    uint32_t h = hash_bytes(copy, n), i = h & map->mask;
    while (map->slots[i].key)
        i = (i + 1) & map->mask;
    map->slots[i].key = copy;
    map->slots[i].key_n = n;
    map->slots[i].hash = h;
    return &map->slots[i];
}

static PyObject *html_tables(PyObject *module, PyObject *args)
{
    (void)module;
    PyObject *elements, *entities, *colours, *key, *value, *capsule;
    if (!PyArg_ParseTuple(args, "O!O!O!:tables", &PyDict_Type, &elements, &PyDict_Type, &entities, &PyDict_Type, &colours))
        return NULL;
    Tables *t = PyMem_RawCalloc(1, sizeof *t);
    if (!t)
        return PyErr_NoMemory();
    Py_ssize_t at = 0;
    Slot *slot;
    t->p = t->a = -1;
    if (!new_map(&t->elements, PyDict_GET_SIZE(elements)) || !new_map(&t->entities, PyDict_GET_SIZE(entities)) || !new_map(&t->colours, PyDict_GET_SIZE(colours)))
        goto fail;
    t->element = PyMem_RawCalloc((size_t)PyDict_GET_SIZE(elements) + 1, sizeof *t->element);
    if (!t->element) {
        PyErr_NoMemory();
        goto fail;
    }
    while (PyDict_Next(elements, &at, &key, &value)) {
        Element *e = &t->element[t->count];
        if (!PyTuple_Check(value)) {
            PyErr_SetString(PyExc_TypeError, "tables: an element must be a tuple of five integers");
            goto fail;
        }
        if (!PyArg_ParseTuple(value, "iiiii", &e->flags, &e->group, &e->closes, &e->stops, &e->what) || !(slot = insert(&t->elements, key)))
            goto fail;
        slot->number = t->count;
        if (equals((Str){slot->key, slot->key_n}, "p"))
            t->p = t->count;
        if (equals((Str){slot->key, slot->key_n}, "a"))
            t->a = t->count;
        t->count++;
    }
    if (t->p < 0 || t->a < 0) {
        PyErr_SetString(PyExc_ValueError, "tables: the elements must include p and a");
        goto fail;
    }
    at = 0;
    while (PyDict_Next(entities, &at, &key, &value)) {
        if (!(slot = insert(&t->entities, key)) || !(slot->text = copy_bytes(value, &slot->text_n)))
            goto fail;
    }
    at = 0;
    while (PyDict_Next(colours, &at, &key, &value)) {
        if (!(slot = insert(&t->colours, key)))
            goto fail;
        slot->number = (int)PyLong_AsLong(value);
        if (PyErr_Occurred())
            goto fail;
    }
    capsule = PyCapsule_New(t, CAPSULE, free_capsule);
    if (capsule)
        return capsule;
fail:
    free_tables(t);
    return NULL;
}

static PyMethodDef methods[] = {
    {"scan", html_scan, METH_VARARGS, "scan(head, tail, caps, tables): see htmlscan.scan; the result is a plain tuple in the order of htmlfacts.Scan."},
    {"tables", html_tables, METH_VARARGS, "tables(elements, entities, colours): the constants that scan needs, copied."},
    {NULL, NULL, 0, NULL},
};

static struct PyModuleDef module = {PyModuleDef_HEAD_INIT, "_html", "The compiled twin of htmlscan.", -1, methods, NULL, NULL, NULL, NULL};

PyMODINIT_FUNC PyInit__html(void) { return PyModule_Create(&module); }
