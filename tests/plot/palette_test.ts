/** The colours, measured: contrast, and how far apart they are for the colour-blind. */
import assert from "node:assert/strict";
// @ts-types="npm:@types/culori@4.0.1"
import { converter, differenceCiede2000, formatHex, wcagContrast } from "npm:culori@4.0.2";
import {
  armLook,
  armStyles,
  type Colour,
  denseLook,
  levelLook,
  levelStyles,
  lineDashes,
  outcomeClass,
  outcomeColour,
  rampArms,
  rampColour,
  rampSteps,
  runLook,
  runStyles,
  stateColours,
  surroundings,
  sweepStyle,
} from "../../src/plot/palette.ts";
import { type ArmName, armNames } from "../../src/lottery/arms/names.ts";
import { figureStyles } from "../../src/plot/styles.ts";

const themes = ["light", "dark"] as const;

/** Grounds and panels of the pages, and of files. */
const grounds = { light: ["#ffffff", "#fafaf8"], dark: ["#131519", "#1a1d22"] };

/** Machado, Oliveira & Fernandes 2009, severity 1, for linear RGB. */
const sightings: Readonly<Record<string, readonly (readonly number[])[]>> = {
  "all cones": [[1, 0, 0], [0, 1, 0], [0, 0, 1]],
  "deuteranopia": [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.011820, 0.042940, 0.968881],
  ],
  "protanopia": [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
};

/** The paper's main arms, of which any may stand beside any other. */
const mainArms = ["ticket", "reinit", "oneshot", "oneshot-reinit", "random"] as const satisfies readonly ArmName[];

/** Arms that stand in one figure. */
const figures: Readonly<Record<string, readonly ArmName[]>> = {
  "1, 4, 5 and 14": mainArms,
  "9 and 10": ["ticket", "continued", "reinit"],
  "17": ["ticket", "redraw", "redraw-signs", "reinit"],
  "18": ["ticket", "magnitude-init", "random"],
  "25": ["ticket", "noise-0.5", "noise-1", "noise-2", "noise-3"],
  "random masks": ["ticket", "reinit", "random", "random-global"],
  "learning-rate rewinding": ["ticket", "lr-rewind", "fine-tune", "continued"],
  "two copies": ["ticket", "twin"],
  "pruning at initialisation": ["ticket", "snip", "grasp", "synflow", "magnitude-init", "random", "er", "erk"],
};

/** Methods whose controls have their colour. */
const methods = ["snip", "grasp", "synflow"] as const;

const linear = converter("lrgb");
const difference = differenceCiede2000();

function seen(colour: string, matrix: readonly (readonly number[])[]): string {
  const { r, g, b } = linear(colour) ?? { r: NaN, g: NaN, b: NaN };
  const [red = NaN, green = NaN, blue = NaN] = matrix.map((row) =>
    Math.min(1, Math.max(0, (row[0] ?? 0) * r + (row[1] ?? 0) * g + (row[2] ?? 0) * b))
  );
  return formatHex({ mode: "lrgb", r: red, g: green, b: blue });
}

function closest(colours: readonly string[], matrix: readonly (readonly number[])[]): number {
  const own = colours.map((colour) => seen(colour, matrix));
  return Math.min(...own.flatMap((one, index) => own.slice(index + 1).map((other) => difference(one, other))));
}

/** Shades of an arm for so many levels, evenly apart. */
function stepsOf(arm: (typeof rampArms)[number], count: number): Colour[] {
  return Array.from({ length: count }, (_, index) => rampColour(arm, index / (count - 1)));
}

/** Shades of outcomes, evenly apart from the worst to the best. */
function outcomeSteps(count: number): Colour[] {
  return Array.from({ length: count }, (_, index) => outcomeColour(index / (count - 1)));
}

Deno.test("every colour of data stands out from every ground with a contrast of at least 3:1", () => {
  const colours: Colour[] = [
    ...Object.values(armStyles).map(({ colour }) => colour),
    ...runStyles.map(({ colour }) => colour),
    ...levelStyles(21).map(({ colour }) => colour),
    ...rampArms.flatMap((arm) => stepsOf(arm, 21)),
    ...outcomeSteps(rampSteps),
    ...Object.values(stateColours),
  ];
  for (const theme of themes) {
    for (const ground of grounds[theme]) {
      for (const colour of colours) {
        const contrast = wcagContrast(colour[theme], ground);
        assert.ok(contrast >= 3, `${colour[theme]} on ${ground}: ${contrast.toFixed(2)}`);
      }
    }
  }
});

Deno.test("text stands out from every ground with a contrast of at least 4.5:1", () => {
  for (const theme of themes) {
    for (const ground of grounds[theme]) {
      for (const name of ["ink", "ink-soft"] as const) {
        assert.ok(wcagContrast(surroundings[name][theme], ground) >= 4.5, `${name} on ${ground}`);
      }
    }
  }
});

Deno.test("the paper's main arms differ by at least 15 (CIEDE2000) for all cones, deuteranopia and protanopia", () => {
  for (const theme of themes) {
    const colours = mainArms.map((arm) => armStyles[arm].colour[theme]);
    for (const [sight, matrix] of Object.entries(sightings)) {
      const least = closest(colours, matrix);
      assert.ok(least >= 15, `${theme}, ${sight}: ${least.toFixed(1)}`);
    }
  }
});

Deno.test("arms of one figure differ by at least 12, levels of noise by 9, for everybody", () => {
  for (const [figure, arms] of Object.entries(figures)) {
    for (const theme of themes) {
      const colours = arms.map((arm) => armStyles[arm].colour[theme]);
      for (const [sight, matrix] of Object.entries(sightings)) {
        const least = closest(colours, matrix);
        assert.ok(least >= (figure === "25" ? 9 : 12), `${figure}, ${theme}, ${sight}: ${least.toFixed(1)}`);
      }
    }
  }
});

Deno.test("more noise stands further from the ink, in one hue", () => {
  const lch = converter("lch65");
  for (const theme of themes) {
    const shades = (["noise-0.5", "noise-1", "noise-2", "noise-3"] as const).map((arm) =>
      lch(armStyles[arm].colour[theme]) ?? { l: NaN, h: NaN }
    );
    const along = shades.map(({ l }) => l * (theme === "light" ? 1 : -1));
    assert.ok(along.every((value, index) => index === 0 || value > (along[index - 1] ?? NaN)), `${theme}: ${along}`);
    const hues = shades.map(({ h = NaN }) => h);
    assert.ok(Math.max(...hues) - Math.min(...hues) < 12, `${theme}: ${hues}`);
  }
});

Deno.test("a control of a method has its colour, and methods differ", () => {
  for (const method of methods) {
    for (const control of ["shuffle", "invert", "reinit"] as const) {
      assert.deepEqual(armStyles[`${method}-${control}`].colour, armStyles[method].colour);
    }
  }
  assert.equal(new Set(methods.map((method) => armStyles[method].colour.light)).size, methods.length);
});

Deno.test("the measure can fail: Okabe and Ito's vermilion beside a darker orange is one colour under deuteranopia", () => {
  assert.ok(closest(["#d55e00", "#b87700"], sightings.deuteranopia ?? []) < 3);
});

Deno.test("no two arms of a figure share a line style or a marker, so that a picture in grey can be read", () => {
  const kinds = ["shuffle", "invert", "reinit"] as const;
  const together: (readonly ArmName[])[] = [
    ...Object.values(figures),
    ...methods.map((
      method,
    ): ArmName[] => ["ticket", "reinit", "random", method, ...kinds.map((kind) => `${method}-${kind}` as const)]),
    ...kinds.map((
      kind,
    ): ArmName[] => ["ticket", "reinit", "random", ...methods.map((one) => `${one}-${kind}` as const)]),
  ];
  for (const arms of together) {
    const styles = arms.map((arm) => armStyles[arm]);
    assert.equal(new Set(styles.map(({ dash }) => dash.join())).size, arms.length, `dashes of ${arms}`);
    assert.equal(new Set(styles.map(({ marker }) => marker)).size, arms.length, `markers of ${arms}`);
  }
  const scored = methods.flatMap((method) => [method, ...kinds.map((kind) => `${method}-${kind}` as const)]);
  const drawn = scored.map((arm) => armStyles[arm]).map(({ dash, marker }) => `${dash.join()} ${marker}`);
  assert.equal(new Set(drawn).size, 12, "all methods with all their controls");
});

Deno.test("every class that a line can have is in the stylesheet", () => {
  const rules = figureStyles.replaceAll(/\s+/g, " ");
  const looks = [
    ...armNames.map(armLook),
    ...armNames.flatMap((arm) => [0, 1, 2].flatMap((index) => [levelLook(arm, index, 3), sweepStyle(index, 3, arm)])),
    ...Array.from({ length: 13 }, (_, index) => sweepStyle(index, 13)),
    denseLook,
  ];
  const classes = new Set(looks.flatMap(({ style }) => style.split(" ")));
  for (const name of classes) {
    assert.match(name, /^[\w.-]+$/);
    const written = `.plot .${name.replace(".", "\\.")}`;
    assert.ok(rules.includes(`${written} {`) || rules.includes(`${written} .line {`), name);
  }
  assert.ok(classes.size >= armNames.length + 13);
});

Deno.test("13 runs of a sweep are 13 shades in order, and no two share dash and marker", () => {
  const looks = Array.from({ length: 13 }, (_, index) => sweepStyle(index, 13));
  assert.deepEqual(
    looks.map(({ style }) => style.split(" ")[0]),
    Array.from({ length: 13 }, (_, index) => `ramp-ticket-${index}`),
  );
  assert.equal(new Set(looks.map(({ style, marker }) => `${style.split(" ")[1]} ${marker}`)).size, 13);
  looks.slice(1).forEach((look, index) => {
    const before = looks[index];
    assert.notEqual(look.marker, before?.marker);
    assert.notEqual(look.style.split(" ")[1], before?.style.split(" ")[1]);
  });
  assert.deepEqual(sweepStyle(0, 1), armLook("ticket"));
});

Deno.test("levels of an arm keep the arm's dash, and the dense network has one of its own", () => {
  assert.equal(levelLook("ticket", 1, 3).style, "ramp-ticket-6");
  assert.equal(levelLook("reinit", 2, 3).style, "ramp-reinit-12 dash-1");
  assert.deepEqual(lineDashes[1], armStyles["reinit"].dash);
  assert.deepEqual(levelLook("continued", 0, 1), armLook("continued"));
  const sweep = Array.from({ length: 42 }, (_, index) => sweepStyle(index, 42).style.split(" ")[1]);
  assert.ok(!sweep.includes(denseLook.style.split(" ")[1]));
});

Deno.test("runs that are compared differ from each other, and from the arms, in colour or in line and marker", () => {
  for (const theme of themes) {
    const matrix = sightings["all cones"] ?? [];
    assert.ok(closest(runStyles.map(({ colour }) => colour[theme]), matrix) >= 10, theme);
    const arms: string[] = Object.values(armStyles).map(({ colour }) => colour[theme]);
    assert.ok(runStyles.every(({ colour }) => !arms.includes(colour[theme])));
  }
  const drawn = runStyles.map(({ dash, marker }) => `${dash.join()} ${marker}`);
  assert.equal(new Set(drawn).size, runStyles.length);
  const looks = Array.from({ length: 12 }, (_, index) => {
    const { style, marker } = runLook(index);
    assert.ok(index > 6 || marker === runStyles[style]?.marker, `run ${index} has not the points of its style`);
    return `${style} ${marker}`;
  });
  assert.equal(new Set(looks).size, 12);
});

Deno.test("levels run along a ramp of one direction in lightness, with the dense level dashed and in ink", () => {
  const [dense, ...pruned] = levelStyles(12);
  assert.deepEqual(dense?.colour, surroundings.ink);
  assert.ok((dense?.dash.length ?? 0) > 0);
  assert.ok(pruned.every(({ dash }) => dash.length === 0));
  const lightness = converter("lab65");
  for (const theme of themes) {
    for (const colours of [pruned.map(({ colour }) => colour), ...rampArms.map((arm) => stepsOf(arm, 12))]) {
      // Away from the ink, which is dark on light and light on dark.
      const along = colours.map((colour) => (lightness(colour[theme])?.l ?? NaN) * (theme === "light" ? 1 : -1));
      assert.ok(along.every((value, index) => index === 0 || value > (along[index - 1] ?? NaN)), `${theme}: ${along}`);
    }
  }
  assert.deepEqual(levelStyles(2)[1]?.colour, armStyles.ticket.colour);
  assert.deepEqual(levelStyles(5)[1]?.colour, rampColour("ticket", 0));
  assert.equal(levelStyles(0).length, 0);
});

Deno.test("of up to five levels of an arm each differs from its neighbours and from the ink for everybody", () => {
  for (const theme of themes) {
    for (const arm of rampArms) {
      for (let count = 2; count <= 5; count++) {
        const steps = [surroundings.ink, ...stepsOf(arm, count)].map((colour) => colour[theme]);
        for (const [sight, matrix] of Object.entries(sightings)) {
          const least = closest(steps, matrix);
          assert.ok(least >= 7, `${count} levels of ${arm}, ${theme}, ${sight}: ${least.toFixed(1)}`);
        }
        assert.equal((rampSteps - 1) % (count - 1), 0, `${count} levels are evenly apart in the stylesheet`);
      }
    }
  }
});

Deno.test("a shade is its arm's: nearer in hue to its own arm's colour than to any other's, and no shade is another arm's", () => {
  const lch = converter("lch65");
  const hue = (colour: string): number => lch(colour)?.h ?? NaN;
  const apart = (a: string, b: string): number => Math.abs((hue(a) - hue(b) + 540) % 360 - 180);
  for (const theme of themes) {
    for (const arm of rampArms) {
      for (const shade of stepsOf(arm, rampSteps)) {
        const own = apart(shade[theme], armStyles[arm].colour[theme]);
        for (const name of mainArms) {
          if (name === arm || name === "random") continue;
          assert.ok(
            own < apart(shade[theme], armStyles[name].colour[theme]),
            `${shade[theme]} of ${arm} is nearer to ${name}, ${theme}`,
          );
        }
      }
    }
    const [tickets, controls] = rampArms.map((arm) => stepsOf(arm, rampSteps).map((colour) => colour[theme]));
    for (const [sight, matrix] of Object.entries(sightings)) {
      for (const ticket of tickets ?? []) {
        for (const control of controls ?? []) assert.ok(closest([ticket, control], matrix) >= 15, `${theme}, ${sight}`);
      }
    }
  }
});

Deno.test("outcomes go from the ground's side to the ink's, in steps that everybody tells apart, and all have a class", () => {
  const lightness = converter("lab65");
  for (const theme of themes) {
    const along = outcomeSteps(rampSteps).map((colour) => (lightness(colour[theme])?.l ?? NaN));
    const rises = theme === "light" ? along.toReversed() : along;
    assert.ok(
      rises.every((value, index) => index === 0 || value > (rises[index - 1] ?? NaN) + 0.5),
      `${theme}: ${along}`,
    );
    assert.ok(Math.abs((along[0] ?? 0) - (along.at(-1) ?? 0)) > 40, "they are in order in grey");
    for (const [sight, matrix] of Object.entries(sightings)) {
      const least = closest(outcomeSteps(5).map((colour) => colour[theme]), matrix);
      assert.ok(least >= 10, `${theme}, ${sight}: ${least.toFixed(1)}`);
    }
  }
  assert.deepEqual([-1, 0, 0.5, 1, 2].map(outcomeClass), [0, 0, 6, 12, 12].map((step) => `outcome-${step}`));
  const rules = figureStyles.replaceAll(/\s+/g, " ");
  for (const position of [0, 0.5, 1]) {
    const { light, dark } = outcomeColour(position);
    for (const colour of [light, dark]) {
      assert.ok(rules.includes(`.plot .${outcomeClass(position)} { color: ${colour}; }`));
    }
  }
});

Deno.test("states of runs differ by at least 9 (CIEDE2000) for all cones, deuteranopia and protanopia", () => {
  const colours = Object.values(stateColours);
  for (const theme of themes) {
    for (const [sight, matrix] of Object.entries(sightings)) {
      const least = closest(colours.map((colour) => colour[theme]), matrix);
      assert.ok(least >= 9, `${theme}, ${sight}: ${least.toFixed(1)}`);
    }
  }
  for (const [state, { light, dark }] of Object.entries(stateColours)) {
    for (const colour of [light, dark]) {
      assert.ok(figureStyles.replaceAll(/\s+/g, " ").includes(`.plot .state-${state} { color: ${colour}; }`), state);
    }
  }
});
