import { beginCell, type Builder, Cell, Dictionary, type Slice } from '@ton/core'
import { defaultConfig } from '@ton/sandbox'

/** Prices that mainnet voted in spring 2026; the configuration that comes with the sandbox is older and six times dearer. */
const BASECHAIN_GAS_PRICE = 4_369_067n // nanograms per 65,536 gas
const BASECHAIN_FLAT_GAS_PRICE = 6_667n // the first 100 gas
const FORWARD = { lump: 66_667n, bit: 4_369_067n, cell: 436_906_667n }
const STORAGE = { from: 1_777_500_000, bit: 0n, cell: 135n }

/** Validators, elections and wallets' lists make the configuration big and every emulated transaction slower. */
const LAST_PARAMETER_OF_USE = 31

const opaque = {
  serialize: (from: Slice, to: Builder) => void to.storeSlice(from),
  parse: (from: Slice) => from.clone(),
}

/** The chain's configuration with the prices of 2026. */
export function config2026(): Cell {
  const config = Dictionary.loadDirect(
    Dictionary.Keys.Int(32),
    Dictionary.Values.Cell(),
    Cell.fromBase64(defaultConfig),
  )
  const parameter = (index: number): Slice => {
    const cell = config.get(index)
    if (!cell) throw new Error(`the sandbox's configuration lacks parameter ${index}`)
    return cell.beginParse()
  }
  for (const index of config.keys()) if (index < 0 || index > LAST_PARAMETER_OF_USE) config.delete(index)

  // gas_flat_pfx#d1 flat_gas_limit flat_gas_price other:(gas_prices_ext#de gas_price ...)
  const gas = parameter(21).skip(8 + 64 + 64 + 8 + 64)
  config.set(
    21,
    beginCell()
      .storeUint(0xd1, 8)
      .storeUint(100, 64)
      .storeUint(BASECHAIN_FLAT_GAS_PRICE, 64)
      .storeUint(0xde, 8)
      .storeUint(BASECHAIN_GAS_PRICE, 64)
      .storeSlice(gas)
      .endCell(),
  )

  // msg_forward_prices#ea lump_price bit_price cell_price ...
  const forward = parameter(25).skip(8 + 3 * 64)
  config.set(
    25,
    beginCell()
      .storeUint(0xea, 8)
      .storeUint(FORWARD.lump, 64)
      .storeUint(FORWARD.bit, 64)
      .storeUint(FORWARD.cell, 64)
      .storeSlice(forward)
      .endCell(),
  )

  // _#cc utime_since bit_price_ps cell_price_ps mc_bit_price_ps mc_cell_price_ps, by utime_since
  const storage = Dictionary.loadDirect(Dictionary.Keys.Uint(32), opaque, config.get(18) ?? null)
  const masterchain = storage
    .get(0)
    ?.clone()
    .skip(8 + 32 + 64 + 64)
  if (!masterchain) throw new Error("the sandbox's configuration lacks storage prices")
  storage.set(
    STORAGE.from,
    beginCell()
      .storeUint(0xcc, 8)
      .storeUint(STORAGE.from, 32)
      .storeUint(STORAGE.bit, 64)
      .storeUint(STORAGE.cell, 64)
      .storeSlice(masterchain)
      .asSlice(),
  )
  config.set(18, beginCell().storeDictDirect(storage).endCell())
  return beginCell().storeDictDirect(config).endCell()
}
