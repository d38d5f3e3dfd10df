import { Cell, type TupleItem } from '@ton/core'

/** Values of the virtual machine's stack as toncenter v2 writes them in JSON. */
export type StackJson = readonly [type: string, value: unknown]

const base64 = (cell: Cell): string => cell.toBoc().toString('base64')

/** What a caller puts on the stack. @throws RangeError for what is no stack */
export function readStack(stack: unknown): TupleItem[] {
  if (stack === undefined || stack === null) return []
  if (!Array.isArray(stack)) throw new RangeError('the stack is an array of pairs')
  return stack.map((entry: unknown): TupleItem => {
    if (!Array.isArray(entry) || entry.length !== 2) throw new RangeError('a stack entry is a pair: type and value')
    const [type, value] = entry as [unknown, unknown]
    if (type === 'num') return { type: 'int', value: readNumber(value) }
    if (type === 'tvm.Cell' || type === 'tvm.Slice') {
      const cell = readCell(value)
      return type === 'tvm.Cell' ? { type: 'cell', cell } : { type: 'slice', cell }
    }
    throw new RangeError(`stack entries of type ${String(type)} are not supported: num, tvm.Cell or tvm.Slice`)
  })
}

function readNumber(value: unknown): bigint {
  const text = String(value)
  const digits = /^(-?)(0x[0-9a-fA-F]+|\d+)$/.exec(text)
  if (!digits) throw new RangeError(`${text.slice(0, 40)} is no number`)
  const size = BigInt(digits[2] ?? 0)
  return digits[1] === '-' ? -size : size
}

/** A bag with one root. @throws RangeError */
export function readCell(value: unknown): Cell {
  try {
    if (typeof value !== 'string') throw new TypeError('not text')
    return Cell.fromBase64(value)
  } catch (cause) {
    throw new RangeError('not a bag of cells in base64', { cause })
  }
}

export function writeStack(stack: readonly TupleItem[]): StackJson[] {
  return stack.map((item): StackJson => {
    switch (item.type) {
      case 'int':
        return ['num', item.value < 0n ? `-0x${(-item.value).toString(16)}` : `0x${item.value.toString(16)}`]
      case 'tuple':
        return ['tuple', { '@type': 'tvm.tuple', elements: item.items.map(writeElement) }]
      case 'null':
      case 'nan':
        return ['list', { '@type': 'tvm.list', elements: [] }]
      case 'builder':
        return ['cell', { bytes: base64(item.cell) }]
      default:
        return [item.type, { bytes: base64(item.cell) }]
    }
  })
}

function writeElement(item: TupleItem): unknown {
  switch (item.type) {
    case 'int':
      return {
        '@type': 'tvm.stackEntryNumber',
        number: { '@type': 'tvm.numberDecimal', number: item.value.toString() },
      }
    case 'tuple':
      return {
        '@type': 'tvm.stackEntryTuple',
        tuple: { '@type': 'tvm.tuple', elements: item.items.map(writeElement) },
      }
    case 'null':
    case 'nan':
      return { '@type': 'tvm.stackEntryList', list: { '@type': 'tvm.list', elements: [] } }
    case 'slice':
      return { '@type': 'tvm.stackEntrySlice', slice: { '@type': 'tvm.slice', bytes: base64(item.cell) } }
    default:
      return { '@type': 'tvm.stackEntryCell', cell: { '@type': 'tvm.cell', bytes: base64(item.cell) } }
  }
}
