import type { CollateralPlan, Level } from '../collateral.ts'
import type { ScenePlan } from '../scene.ts'
import { platform } from './pck.ts'
import { flip, type Switch, type Switches } from './switch.ts'

const DAY = 86_400
/** Any byte position beyond the two that name the module's version. */
const MICROCODE = 2

const collateralOf = (scene: ScenePlan): CollateralPlan => scene.machine.tdx.collateral
const tdOf = (scene: ScenePlan) => scene.machine.tdx.quote.td

const platformLevels = (scene: ScenePlan) => collateralOf(scene).tcbInfo.content.tcbLevels
const moduleLevels = (scene: ScenePlan) =>
  collateralOf(scene).tcbInfo.content.tdxModuleIdentities.flatMap((module) => module.tcbLevels)
const qeLevels = (scene: ScenePlan) => collateralOf(scene).qeIdentity.content.tcbLevels

/** Gives the level that counts another status. */
const status =
  (levels: (scene: ScenePlan) => Level<unknown>[], tcbStatus: string, ...advisoryIDs: string[]) =>
  (scene: ScenePlan) => {
    const [first] = levels(scene)
    if (first) Object.assign(first, { tcbStatus, advisoryIDs })
  }

/** An out-of-date platform under a grace that covers it, unless `change` says otherwise. */
const graced =
  (change: (grace: NonNullable<ScenePlan['registry']['registry']['tdx']['grace']>, scene: ScenePlan) => unknown) =>
  (scene: ScenePlan) => {
    status(platformLevels, 'OutOfDate', 'INTEL-SA-01036')(scene)
    const grace = { until: scene.now + 7 * DAY, tcbDate: scene.now - 90 * DAY, denied: [] }
    scene.registry.registry.tdx.grace = grace
    change(grace, scene)
  }
const nothing = () => {}

/** Steps 8 and 9: the TDX module, and the level of everything. */
export const levels = {
  'module-signer': { rule: "Intel's TDX module", breaks: (scene) => tdOf(scene).mrSignerSeam.fill(9) },
  'module-attributes': { rule: 'a module without attributes', breaks: (scene) => flip(tdOf(scene).seamAttributes) },
  'module-attributes-unmasked': {
    rule: 'no attribute, whatever the mask says',
    breaks: (scene) => {
      for (const module of collateralOf(scene).tcbInfo.content.tdxModuleIdentities)
        module.attributesMask = '0'.repeat(16)
      flip(tdOf(scene).seamAttributes)
    },
  },
  'module-unknown': { rule: 'a module that Intel lists', breaks: (scene) => tdOf(scene).teeTcbSvn.fill(3, 1, 2) },
  'module-no-level': {
    rule: 'a module version that Intel lists',
    breaks: (scene) => tdOf(scene).teeTcbSvn.fill(3, 0, 1),
  },
  'module-out-of-date': {
    rule: 'a module that is up to date',
    breaks: (scene) => tdOf(scene).teeTcbSvn.fill(5, 0, 1),
    keeps: (scene) => tdOf(scene).teeTcbSvn.fill(6, 0, 1),
  },
  'module-now-out-of-date': {
    rule: 'a module that is up to date now, not only at launch',
    base: 'tdx-1.5',
    breaks: (scene) => tdOf(scene).teeTcbSvn2.fill(5, 0, 1),
  },
  'module-now-unknown': {
    rule: 'a module that Intel lists, now and not only at launch',
    base: 'tdx-1.5',
    breaks: (scene) => tdOf(scene).teeTcbSvn2.fill(3, 1, 2),
  },
  'module-revoked': { rule: 'a module that is not revoked', breaks: status(moduleLevels, 'Revoked') },
  'tcb-cpusvn-too-low': {
    rule: 'a level that the processor reaches',
    breaks: (scene) =>
      platform(scene, (known) => {
        known.cpuSvn.fill(0, 0, 1)
        known.components[0] = 0
      }),
    keeps: (scene) =>
      platform(scene, (known) => {
        known.cpuSvn.fill(99, 0, 1)
        known.components[0] = 99
      }),
  },
  'tcb-pcesvn-too-low': {
    rule: 'a level that the PCE reaches',
    breaks: (scene) => platform(scene, (known) => (known.pceSvn = 1)),
    keeps: (scene) => platform(scene, (known) => (known.pceSvn = 300)),
  },
  'tcb-tee-svn-too-low': {
    rule: 'a level that the TDX parts reach',
    breaks: (scene) => tdOf(scene).teeTcbSvn.fill(0, MICROCODE, MICROCODE + 1),
  },
  'tcb-tee-svn-now-too-low': {
    rule: 'a level that the TDX parts reach now',
    base: 'tdx-1.5',
    breaks: (scene) => tdOf(scene).teeTcbSvn2.fill(0, MICROCODE, MICROCODE + 1),
  },
  'tcb-out-of-date': { rule: 'an up-to-date platform', breaks: status(platformLevels, 'OutOfDate') },
  'tcb-revoked': { rule: 'a platform that is not revoked', breaks: status(platformLevels, 'Revoked') },
  'tcb-revoked-under-grace': {
    rule: 'no grace for what is revoked',
    breaks: graced((_, scene) => status(platformLevels, 'Revoked')(scene)),
    keeps: graced(nothing),
  },
  'tcb-configuration-needed': {
    rule: 'a platform configured as Intel says',
    breaks: status(platformLevels, 'ConfigurationNeeded'),
  },
  'tcb-hardening-needed': {
    rule: 'a platform that needs no hardening by software',
    breaks: status(platformLevels, 'ConfigurationAndSWHardeningNeeded'),
  },
  'tcb-configuration-under-grace': {
    rule: 'no grace but for what is out of date',
    breaks: graced((_, scene) => status(qeLevels, 'ConfigurationNeeded')(scene)),
    keeps: graced((_, scene) => status(qeLevels, 'OutOfDate')(scene)),
  },
  'qe-out-of-date': { rule: 'an up-to-date quoting enclave', breaks: status(qeLevels, 'OutOfDate') },
  'qe-revoked': { rule: 'a quoting enclave that is not revoked', breaks: status(qeLevels, 'Revoked') },
  'grace-over': {
    rule: 'a grace that still runs',
    breaks: graced((grace, { now }) => (grace.until = now - 1)),
    keeps: graced((grace, { now }) => (grace.until = now)),
  },
  'grace-tcb-too-old': {
    rule: 'a platform not older than the grace allows',
    breaks: graced((grace, { now }) => (grace.tcbDate = now - 59 * DAY)),
    keeps: graced((grace, { now }) => (grace.tcbDate = now - 60 * DAY)),
  },
  'grace-advisory-denied': {
    rule: 'no advisory that the grace denies',
    breaks: graced((grace) => grace.denied.push('INTEL-SA-01036')),
    keeps: graced((grace) => grace.denied.push('INTEL-SA-00001')),
  },
} as const satisfies Switches

const td = (rule: string, breaks: (td: ReturnType<typeof tdOf>) => unknown, keeps?: Switch['breaks']): Switch => ({
  rule,
  breaks: (scene) => breaks(tdOf(scene)),
  ...(keeps ? { keeps } : {}),
})

/** Steps 10 and 11: how the trust domain was made, and what booted in it. */
export const trustDomain = {
  'td-debug': td('a machine nobody can look into', ({ attributes }) => flip(attributes, 0, 0x01)),
  'td-reserved': td(
    'no reserved attribute',
    ({ attributes }) => flip(attributes, 2, 0x01),
    (scene) => flip(tdOf(scene).attributes, 3, 0x40),
  ),
  'td-sept-ve': td('faults that the host cannot provoke', ({ attributes }) => flip(attributes, 3, 0x10)),
  'td-migratable': td('a machine that stays', ({ attributes }) => flip(attributes, 3, 0x20)),
  'td-xfam': td('features that a module can give', ({ xfam }) => flip(xfam, 7, 0x80)),
  'td-xfam-base': td('the features that every domain has', ({ xfam }) => flip(xfam, 0, 0x02)),
  'td-service': {
    ...td('no domain that serves this one', ({ mrServiceTd }) => flip(mrServiceTd, 47)),
    base: 'tdx-1.5',
  },
  'td-config-id': td(
    'MRCONFIGID zero or listed',
    ({ mrConfigId }) => flip(mrConfigId),
    (scene) => {
      flip(tdOf(scene).mrConfigId)
      scene.registry.registry.tdx.configIds.push(tdOf(scene).mrConfigId)
    },
  ),
  'td-owner': td(
    'MROWNER zero or listed',
    ({ mrOwner }) => flip(mrOwner),
    (scene) => {
      flip(tdOf(scene).mrOwner)
      scene.registry.registry.tdx.owners.push(tdOf(scene).mrOwner)
    },
  ),
  'td-owner-config': td(
    'MROWNERCONFIG zero or listed',
    ({ mrOwnerConfig }) => flip(mrOwnerConfig),
    (scene) => {
      flip(tdOf(scene).mrOwnerConfig)
      scene.registry.registry.tdx.ownerConfigs.push(tdOf(scene).mrOwnerConfig)
    },
  ),
  'measured-mrtd': td('listed firmware', ({ mrTd }) => flip(mrTd)),
  'measured-rtmr0': td('a listed shape', ({ rtmr }) => flip(rtmr[0])),
  'measured-rtmr1': td('a listed kernel', ({ rtmr }) => flip(rtmr[1])),
  'measured-rtmr2': td('a listed image', ({ rtmr }) => flip(rtmr[2])),
} as const satisfies Switches
