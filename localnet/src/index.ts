export { launchUrl, serveTelegram, signInitData, TEST_BOT_TOKEN, testUser } from './telegram.ts'
export { DEMO_MODEL, startSystem, type System, type SystemOptions } from './system.ts'
