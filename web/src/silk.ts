/** The wound cocoon: one thread, laid to and fro over a rounded body, seen a little from above. */
const WIDTH = 40
const HEIGHT = 71
const TILT = 0.302
const SWEEPS = 5
const TURNS = 7.19
const STEPS = 22

export interface Winding {
  readonly front: string
  readonly back: string
}

export function wind(): Winding {
  const strands = { front: '', back: '' }
  let side: keyof Winding | null = null
  const steps = Math.round(SWEEPS * TURNS * STEPS)
  for (let i = 0; i <= steps; i++) {
    const turn = (i / STEPS) * 2 * Math.PI
    const along = -Math.cos((i / steps) * SWEEPS * Math.PI) * 0.945
    const radius = WIDTH * Math.sqrt(1 - Math.abs(along) ** 2.8)
    const depth = radius * Math.cos(turn)
    const x = radius * Math.sin(turn)
    const y = along * HEIGHT * Math.cos(TILT) + depth * Math.sin(TILT)
    const now = depth >= 0 ? 'front' : 'back'
    const point = `${x.toFixed(1)} ${y.toFixed(1)}`
    // A strand that passes the edge starts anew on the other side, from where it was.
    if (now !== side) {
      if (side) strands[side] += `L${point}`
      strands[now] += `M${point}`
    } else strands[now] += `L${point}`
    side = now
  }
  return strands
}
