/** A place on a card of the game, in degrees. */
export interface City {
  name: string;
  latitude: number;
  longitude: number;
}

type Row = readonly [name: string, latitude: number, longitude: number];

const ROWS: readonly Row[] = [
  ["Amsterdam", 52.37, 4.9],
  ["Atlanta", 33.75, -84.39],
  ["Auckland", -36.85, 174.76],
  ["Bangkok", 13.76, 100.5],
  ["Barcelona", 41.39, 2.17],
  ["Berlin", 52.52, 13.4],
  ["Bogotá", 4.71, -74.07],
  ["Boston", 42.36, -71.06],
  ["Brisbane", -27.47, 153.03],
  ["Buenos Aires", -34.6, -58.38],
  ["Cairo", 30.04, 31.24],
  ["Casablanca", 33.57, -7.59],
  ["Chicago", 41.88, -87.63],
  ["Copenhagen", 55.68, 12.57],
  ["Dallas", 32.78, -96.8],
  ["Dhaka", 23.81, 90.41],
  ["Hanoi", 21.03, 105.85],
  ["Havana", 23.11, -82.37],
  ["Helsinki", 60.17, 24.94],
  ["Hong Kong", 22.32, 114.17],
  ["Istanbul", 41.01, 28.98],
  ["Jakarta", -6.21, 106.85],
  ["Kathmandu", 27.72, 85.32],
  ["Lagos", 6.52, 3.38],
  ["Lima", -12.05, -77.04],
  ["Lisbon", 38.72, -9.14],
  ["London", 51.51, -0.13],
  ["Los Angeles", 34.05, -118.24],
  ["Manila", 14.6, 120.98],
  ["Melbourne", -37.81, 144.96],
  ["Mexico City", 19.43, -99.13],
  ["Montréal", 45.5, -73.57],
  ["Oslo", 59.91, 10.75],
  ["Osaka", 34.69, 135.5],
  ["Paris", 48.86, 2.35],
  ["Perth", -31.95, 115.86],
  ["Prague", 50.08, 14.44],
  ["Quito", -0.18, -78.47],
  ["Reykjavík", 64.15, -21.94],
  ["Rio de Janeiro", -22.91, -43.17],
  ["Rome", 41.9, 12.5],
  ["San Francisco", 37.77, -122.42],
  ["Santiago", -33.45, -70.67],
  ["Seattle", 47.61, -122.33],
  ["Seoul", 37.57, 126.98],
  ["Sydney", -33.87, 151.21],
  ["Taipei", 25.03, 121.57],
  ["Tokyo", 35.68, 139.69],
  ["Toronto", 43.65, -79.38],
  ["Warsaw", 52.23, 21.01],
];

export const CITIES: readonly City[] = ROWS.map(([name, latitude, longitude]) => ({
  name,
  latitude,
  longitude,
}));
