export { launchUrl, serveTelegram, signInitData, TEST_BOT_TOKEN, testUser } from './telegram.ts'
export { buildBundle, DEMO_MODEL, startSystem, type System, type SystemOptions } from './system.ts'
