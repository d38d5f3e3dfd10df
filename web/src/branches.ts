import type { Turn } from './turn.ts'

/** A conversation is a tree of turns; what is on the screen is one way through it. Ids grow: a child is newer than its parent. */

/** The turns from the beginning to `leaf`, in order. Null and an unknown leaf: the way to the newest turn. */
export function pathTo(turns: readonly Turn[], leaf: number | null): Turn[] {
  const byId = new Map(turns.map((turn) => [turn.id, turn]))
  const path: Turn[] = []
  let at = (leaf !== null ? byId.get(leaf) : undefined) ?? newest(turns)
  while (at) {
    path.push(at)
    // A parent is older than its child: damage cannot make this go in circles.
    const parent: Turn | undefined = at.parent !== null && at.parent < at.id ? byId.get(at.parent) : undefined
    at = parent
  }
  return path.toReversed()
}

/** The ids of this turn and of those asked in its place, oldest first. */
export function branchesOf(turns: readonly Turn[], turn: Turn): number[] {
  return turns.flatMap(({ id, parent }) => (parent === turn.parent ? [id] : [])).toSorted((a, b) => a - b)
}

/** Where the conversation led to after this turn the last time. */
export function leafUnder(turns: readonly Turn[], id: number): number {
  let leaf = id
  for (;;) {
    const child = newest(turns.filter(({ parent }) => parent === leaf))
    if (!child) return leaf
    leaf = child.id
  }
}

/** Turns of a version that knew no branches stand one after another. */
export function linked(turns: readonly (Omit<Turn, 'parent'> & { readonly parent?: number | null })[]): Turn[] {
  const inOrder = turns.toSorted((a, b) => a.id - b.id)
  return inOrder.map((turn, index) => ({
    ...turn,
    parent: turn.parent === undefined ? (inOrder[index - 1]?.id ?? null) : turn.parent,
  }))
}

function newest(turns: readonly Turn[]): Turn | undefined {
  return turns.reduce<Turn | undefined>((best, turn) => (best && best.id > turn.id ? best : turn), undefined)
}
