import { CocoonError, type ToolCallPiece } from '@cocoon/protocol'
import type { ToolCall } from './events.ts'

/** Joins what came of tool calls with what comes now: one piece for each index, in their order. */
export function joinToolCalls(
  before: readonly ToolCallPiece[],
  pieces: readonly ToolCallPiece[],
): readonly ToolCallPiece[] {
  if (pieces.length === 0) return before
  const joined = new Map(before.map((call) => [call.index, call]))
  for (const piece of pieces) joined.set(piece.index, joinPiece(joined.get(piece.index), piece))
  return [...joined.values()].sort((a, b) => a.index - b.index)
}

/** Engines write null for what is absent; a name that comes twice is not a longer name. */
function joinPiece(before: ToolCallPiece | undefined, { index, id, function: called }: ToolCallPiece): ToolCallPiece {
  const name = before?.function?.name || called?.name
  const written = `${before?.function?.arguments ?? ''}${called?.arguments ?? ''}`
  const known = before?.id || id
  return {
    index,
    ...(known && { id: known }),
    type: 'function',
    function: { ...(name && { name }), arguments: written },
  }
}

/**
 * The calls of an answer that ended; of one that was cancelled, those that have a name.
 * @throws CocoonError `engine-failed` when a whole answer calls what it does not name
 */
export function wholeToolCalls(pieces: readonly ToolCallPiece[], whole: boolean): ToolCall[] {
  const named = pieces.flatMap(({ id, function: called }): ToolCall[] => {
    if (!id || !called?.name) return []
    return [{ id, type: 'function', function: { name: called.name, arguments: called.arguments ?? '' } }]
  })
  if (whole && named.length < pieces.length) {
    throw new CocoonError('engine-failed', 'the node passed on a tool call without a name')
  }
  return named
}
