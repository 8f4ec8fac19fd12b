"""A synthetic city: a mail provider's life as events, honest people and attackers alike, with the truth apart.

    wardline city --users 3000 --days 60 --seed 7 --out events.ndjson --truth truth.ndjson

    plan.py       what is asked for                      world.py      countries, networks, addresses
    streams.py    named streams of chance                agents.py     browsers, apps and their updates
    week.py       when people are awake                  names.py      names of people and of farms
    town.py       the clock: a heap of who acts next     founding.py   a town with everybody in it
    person.py     one person; people.py: all of them
    attackers/    one file for each way to attack        live.py       the same life against a real door
    listing.py    source files about this world's networks

It is the judge of the detectors and therefore a stranger to them: it shares no code, no constants and no lists with the engine, the domains,
the learning or the sources.
"""
