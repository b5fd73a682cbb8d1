"""Write sensor_actions.jsonl: windows of sensor readings, each with advice that a rule has written.

python recipes/data/make_sensor_actions.py > recipes/data/sensor_actions.jsonl

A condition shapes 24 readings of one sensor on one machine. The advice says what is seen, with figures that the step
`series` shows as well (lowest, highest, slope, mean, outlier, last), and then an action looked up by sensor and
condition. Every limit is an upper one, also for oil level and flow. None of it is engineering advice.
"""

import json
import math
import random
import sys
from collections.abc import Sequence
from itertools import combinations, product
from statistics import fmean, median
from typing import Any

SEED, WINDOW = 104, 24
SENSORS = ("bearing temperature", "vibration", "discharge pressure", "motor current", "oil level", "flow")
LIMITS = {  # in the order of SENSORS; the last three machines move air or gas
    "pump P": "80 degC, 4.5 mm/s, 12 bar, 95 A, 85 %, 220 m3/h",
    "hydraulic unit H": "75 degC, 3.5 mm/s, 180 bar, 64 A, 90 %, 125 L/min",
    "lube oil skid L": "70 degC, 2.8 mm/s, 6.5 bar, 28 A, 92 %, 340 L/min",
    "compressor C": "105 degC, 6.3 mm/s, 8.5 bar, 240 A, 80 %, 31 m3/min",
    "blower B": "90 degC, 7.1 mm/s, 700 mbar, 118 A, 75 %, 48 m3/min",
    "fan F": "85 degC, 5.6 mm/s, 4.2 kPa, 152 A, 70 %, 26 m3/s",
}
PARTS = {  # in the order of LIMITS
    "inlet": ("suction strainer", "suction filter", "tank strainer", "intake filter", "inlet filter", "inlet screen"),
    "outlet": ("check valve", "pressure filter", "duplex filter", "aftercooler", "outlet silencer", "outlet damper"),
    "rotor": ("impeller", "pump rotor", "gears", "screws", "lobes", "fan wheel"),
    "sump": ("bearing housing", "reservoir", "oil tank", "oil separator", "gear case", "bearing housing"),
}
SEEN = {  # what there is to see in each condition
    "normal": "stayed between {low} and {high} {unit}, under its limit of {limit} {unit}",
    "slow rise": "is rising by {slope} {unit} per reading, now at {last} {unit}, under its limit of {limit} {unit}",
    "fast rise": "rose fast from {low} to {high} {unit} and will reach its limit of {limit} {unit} soon",
    "spike": "jumped to {high} {unit} at reading {peak}, {side} its limit of {limit} {unit}, and is back at {last}",
    "drop": "dropped from {high} to {last} {unit} and stayed down",
    "oscillation": "swings between {low} and {high} {unit} around a mean of {mean} {unit}",
    "stuck value": "repeats exactly {last} {unit}, so the signal looks frozen",
    "above limit": "is at {last} {unit}, above its limit of {limit} {unit}, with a high of {high} {unit}",
}
ACTIONS = {
    ("bearing temperature", "normal"): "No action is needed; take the next oil sample from the {sump} as planned.",
    ("bearing temperature", "slow rise"): "Take an oil sample and check the bearing for wear this week.",
    ("bearing temperature", "fast rise"): "Reduce the load now and inspect the bearing before the next start.",
    ("bearing temperature", "spike"): "Check the temperature probe and its cable for a loose contact.",
    ("bearing temperature", "drop"): "Confirm that the {rotor} still turned, then check the seat of the probe.",
    ("bearing temperature", "oscillation"): "Check whether the cooling switches on and off too often.",
    ("bearing temperature", "stuck value"): "Compare the probe with a hand-held thermometer.",
    ("bearing temperature", "above limit"): "Stop it by the site procedure and inspect bearing and lubrication.",
    ("vibration", "normal"): "Leave it in service and repeat the vibration survey on schedule.",
    ("vibration", "slow rise"): "Take a spectrum and look for wear of the {rotor} or the bearings.",
    ("vibration", "fast rise"): "Reduce the load now and check for cavitation behind the {inlet}.",
    ("vibration", "spike"): "Look in the log for a start or a valve change at that reading.",
    ("vibration", "drop"): "Check that the sensor is firmly mounted and that the {rotor} turned.",
    ("vibration", "oscillation"): "Listen for cavitation and clean the {inlet} if it is clogged.",
    ("vibration", "stuck value"): "Tap beside the sensor and replace its cable if nothing changes.",
    ("vibration", "above limit"): "Stop it and check the alignment, the base bolts and the {rotor}.",
    ("discharge pressure", "normal"): "Carry on and note the pressure as the reference for this load.",
    ("discharge pressure", "slow rise"): "Check the {outlet} and the line behind it for deposits.",
    ("discharge pressure", "fast rise"): "Check at once whether a valve behind the {outlet} is closed.",
    ("discharge pressure", "spike"): "Find out which valve closed at that reading and slow its stroke.",
    ("discharge pressure", "drop"): "Check the {inlet} for blockage and the discharge line for a leak.",
    ("discharge pressure", "oscillation"): "Vent trapped air and check the joints at the {inlet} for leaks.",
    ("discharge pressure", "stuck value"): "Flush the line of the transmitter, which may be plugged.",
    ("discharge pressure", "above limit"): "Open the bypass to lower the pressure, then inspect the {outlet}.",
    ("motor current", "normal"): "Leave the motor as it is and review the trend next month.",
    ("motor current", "slow rise"): "Check the motor bearings for drag and the {rotor} for rubbing.",
    ("motor current", "fast rise"): "Cut the load and check for jamming at the {rotor}.",
    ("motor current", "spike"): "Look for a restart or a voltage dip at that reading in the starter log.",
    ("motor current", "drop"): "Check the coupling and the {inlet}, because it may be running dry.",
    ("motor current", "oscillation"): "Put the speed control in manual and see whether the swing stops.",
    ("motor current", "stuck value"): "Hold a clamp meter on the motor cable and compare the two values.",
    ("motor current", "above limit"): "Reduce the load and measure the current of all three phases.",
    ("oil level", "normal"): "No top-up is needed; read the sight glass of the {sump} on the next round.",
    ("oil level", "slow rise"): "Test the oil in the {sump} for water.",
    ("oil level", "fast rise"): "Close the oil supply and find out what is entering the {sump}.",
    ("oil level", "spike"): "Check the {sump} for splashing or foam near the level sensor.",
    ("oil level", "drop"): "Look for a leak around the {sump} and refill it to the mark.",
    ("oil level", "oscillation"): "Check the {sump} for foam and its breather for blockage.",
    ("oil level", "stuck value"): "Read the sight glass of the {sump} and clean the level sensor.",
    ("oil level", "above limit"): "Drain the {sump} to the upper mark and find out what overfilled it.",
    ("flow", "normal"): "Leave the {inlet} as it is until the planned service.",
    ("flow", "slow rise"): "Compare with the demand and search for a leak behind the {outlet}.",
    ("flow", "fast rise"): "Look for a burst line or an open drain behind the {outlet}.",
    ("flow", "spike"): "Vent the flow meter, since an air bubble can cause one wrong reading.",
    ("flow", "drop"): "Clean the {inlet} and check that the way through the {outlet} is free.",
    ("flow", "oscillation"): "Put the flow controller in manual and check its valve for sticking.",
    ("flow", "stuck value"): "Test the signal loop of the flow transmitter.",
    ("flow", "above limit"): "Throttle the control valve until the flow is back in range.",
}
GAS_ACTIONS = {  # where air or gas asks for another action than liquid
    ("bearing temperature", "slow rise"): "Check the lubricant and the cooling air around the bearing.",
    ("vibration", "slow rise"): "Plan an inspection of the {rotor} for deposits and unbalance.",
    ("vibration", "fast rise"): "Take it off line and check the {rotor} for loose or broken parts.",
    ("vibration", "spike"): "Check whether something was drawn in through the {inlet}.",
    ("vibration", "oscillation"): "Compare its speed with machines nearby, since beating gives such swings.",
    ("discharge pressure", "slow rise"): "Measure the pressure loss across the {outlet} and clean it.",
    ("discharge pressure", "fast rise"): "Unload it and check whether the {outlet} is blocked.",
    ("discharge pressure", "oscillation"): "Tune the pressure controller and check the {outlet} for loose parts.",
    ("discharge pressure", "stuck value"): "Drain condensate from the line of the transmitter.",
    ("motor current", "drop"): "Check the belt or coupling, which may have slipped or failed.",
    ("oil level", "slow rise"): "Drain a sample from the {sump} and look for condensed water.",
    ("flow", "fast rise"): "Look for an open vent or a broken pipe behind the {outlet}.",
    ("flow", "spike"): "Clear the pressure taps of the flow meter and watch for a second jump.",
    ("flow", "above limit"): "Lower the speed until the flow is back under its limit.",
}


def rows(rng: random.Random) -> list[dict[str, Any]]:
    """Every condition for each sensor of each machine, and a second normal window for every fifth of these pairs."""
    made = []
    for number, (family, sensor) in enumerate(product(LIMITS, SENSORS)):
        conditions = [*SEEN, "normal"] if number % 5 == 0 else [*SEEN]
        machines = _machines(family, len(conditions), rng)
        made += [_row(machine, sensor, condition, rng) for machine, condition in zip(machines, conditions, strict=True)]
    rng.shuffle(made)
    return made


def _machines(family: str, count: int, rng: random.Random) -> list[str]:
    """Tags that share at most one digit in its place: with two, the questions of two rows are nearly the same."""
    areas, places = rng.sample(range(1, 10), count), rng.sample(range(10, 100), count)
    return [f"{family}-{area}{place}" for area, place in zip(areas, places, strict=True)]


def _row(machine: str, sensor: str, condition: str, rng: random.Random) -> dict[str, Any]:
    family = machine.partition("-")[0]
    limit, unit = LIMITS[family].split(", ")[SENSORS.index(sensor)].split()
    readings = _readings(condition, float(limit), rng)
    seen = SEEN[condition].format(limit=limit, unit=unit, **_figures(readings, float(limit)))
    return {
        "question": f"{sensor.capitalize()} of {machine}, limit {limit} {unit}",
        "equipment": machine,
        "sensor": sensor,
        "unit": unit,
        "readings": readings,
        "limit": float(limit),
        "advice": f"{sensor.capitalize()} of {machine} {seen}. {_action(family, sensor, condition)}",
        "condition": condition,
    }


def _readings(condition: str, limit: float, rng: random.Random) -> list[float]:
    usual, noise = limit * rng.uniform(0.62, 0.75), rng.uniform(0.05, 0.09)
    levels = [level + noise * (rng.random() + rng.random() - 1) for level in _levels(condition, rng)]
    if condition == "stuck value":
        since = rng.choice((0, 6, 9, 12))
        levels[since:] = [levels[since]] * (WINDOW - since)
    # three significant digits, as `series` writes them: the advice quotes what the prompt shows
    return [float(f"{usual + (limit - usual) * level:.3g}") for level in levels]


def _levels(condition: str, rng: random.Random) -> list[float]:
    """The window without noise: 0 is the usual level of the machine, 1 its limit."""
    since, height, steps = rng.randrange(13, 17), rng.uniform(0.75, 0.88), range(WINDOW)
    match condition:
        case "slow rise":
            return [height * 0.6 * step / (WINDOW - 1) for step in steps]
        case "fast rise":
            return [height * max(0, step - since) / (WINDOW - 1 - since) for step in steps]
        case "spike":
            peak = rng.randrange(5, 18)
            return [(height * 2 - 0.6) * (step == peak) for step in steps]
        case "drop":
            return [-1.2 * height * (step >= since) for step in steps]
        case "oscillation":
            return [height / 2 * math.sin(math.tau * step / (since / 2.5)) for step in steps]
        case "above limit":
            return [(height + 0.4) * (step >= since - 10) for step in steps]
    return [0.0] * WINDOW


def _figures(readings: Sequence[float], limit: float) -> dict[str, str]:
    slope = median((b - a) / (j - i) for (i, a), (j, b) in combinations(enumerate(readings), 2))
    highest = max(readings)
    figures = {"low": min(readings), "high": highest, "last": readings[-1], "mean": fmean(readings), "slope": slope}
    position = {"peak": str(readings.index(highest) + 1), "side": "above" if highest > limit else "under"}
    return {name: f"{float(f'{value:.3g}'):g}" for name, value in figures.items()} | position


def _action(family: str, sensor: str, condition: str) -> str:
    place = list(LIMITS).index(family)
    moves_gas = place >= 3
    action = (moves_gas and GAS_ACTIONS.get((sensor, condition))) or ACTIONS[sensor, condition]
    return action.format(**{part: names[place] for part, names in PARTS.items()})


if __name__ == "__main__":
    sys.stdout.writelines(json.dumps(row) + "\n" for row in rows(random.Random(SEED)))
