/**
 * Land on a grid of 3 degrees, from 81 north to 57 south and from 178.5 west to 178.5 east: one bit
 * per point, one row of hexadecimal digits per latitude. Sampled from Natural Earth's 1:110m land,
 * which is in the public domain.
 */
const ROWS = [
  "00000003fffffe0000000010000000",
  "00000231cffff800d0000000000000",
  "0000038f807ff8000001007fc03400",
  "00003fb3e03ff000000617fffe3c00",
  "07fdfb45b81fe0003f00d7fffffff7",
  "effffffe1a3f0e00ff3fffffffffff",
  "17fffffc081c0003dfffffffffffff",
  "0fe7fff03a000003c3ffffffffff30",
  "0180fffc3f0000209fffffffffc0c0",
  "00007fffbf800051fffffffffff080",
  "00007fffff000037fffffffffff000",
  "00003ffffcc0001ffffffffffff000",
  "00001ffffe00000f7df7ffffffd000",
  "00001ffff0000078b937fffffe0000",
  "00001fffe000007057f3ffffe20000",
  "00001fffe000000f00fffffff26000",
  "000007ffc000007f00fffffff10000",
  "000007fd8000007ffff7fffff80000",
  "000003f0000001fffefbfffff00000",
  "000000e0000001ffff7e3fffe80000",
  "00000072200003ffff7f1f9f000000",
  "0000003e200001ffffbe0f1e080000",
  "00000007000003ffffb80607080000",
  "00000001000001ffffc00603000000",
  "00000000df0000fffff80000000000",
  "000000003f8000f3fff00004000000",
  "000000003fe00001fff00008600000",
  "000000007fe00001ffc00006e00000",
  "000000007ffe0001ff80000268e200",
  "000000007fff0000ff800001003800",
  "000000003fff0000ff800000001400",
  "000000003ffe00007f80000000d000",
  "000000001ffe0000ffc80000039000",
  "000000000ffe0000ff10000007f801",
  "0000000007fc0000ff1000001ffc00",
  "0000000007f800007f1000003ffe00",
  "000000000ff000007e0000003ffe00",
  "000000000fe000003c0000003ffe00",
  "000000000fc0000038000000187e00",
  "000000000f80000000000000003c00",
  "000000000e00000000000000000002",
  "000000001c00000000000000000804",
  "000000001c00000000000000000008",
  "000000001c00000000000000000000",
  "000000001800000000000000000000",
  "000000000c00000000000000000000",
  "000000000000000000000000000000",
] as const;

const STEP = 3;
const NORTH = 81;
const WEST = -178.5;

/** The points that are on land, in degrees. */
export const LAND: readonly { latitude: number; longitude: number }[] = ROWS.flatMap((row, r) =>
  [...row].flatMap((digit, d) =>
    [0, 1, 2, 3].flatMap((bit) =>
      Number.parseInt(digit, 16) & (8 >> bit)
        ? [{ latitude: NORTH - STEP * r, longitude: WEST + STEP * (4 * d + bit) }]
        : [],
    ),
  ),
);
