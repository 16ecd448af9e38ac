export { interpolateLab, piecewise } from 'd3-interpolate';
export { interpolatePuOr, interpolatePurples } from 'd3-scale-chromatic';
