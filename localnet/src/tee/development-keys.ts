/**
 * Keys of the simulated TEE. EVERY KEY IN THIS FILE IS PUBLIC AND WORTH NOTHING: whoever reads it can sign evidence that
 * a development build accepts. Production builds pin other roots and refuse whatever these keys sign.
 *
 * They are literals so that the roots have the same bytes on every machine and can be pinned by the development build.
 */

export interface EcKey {
  readonly crv: 'P-256' | 'P-384'
  readonly x: string
  readonly y: string
  readonly d: string
}

export interface RsaKey {
  readonly n: string
  readonly e: string
  readonly d: string
  readonly p: string
  readonly q: string
  readonly dp: string
  readonly dq: string
  readonly qi: string
}

export type EcKeyName = keyof typeof ecKeys
export type RsaKeyName = keyof typeof rsaKeys
export type KeyName = EcKeyName | RsaKeyName

export const ecKeys = {
  /** Worth nothing. Stands in for Intel's SGX root CA. */
  intelRoot: {
    crv: 'P-256',
    x: 'rYfPWO7w3qKv-po6cizdERM9p66OJeFZ9eJzL8QpQlE',
    y: 'lKiDFIBG-TgoeXpccRIfby0r2gDwv2-msCtHRX5ueZI',
    d: 'MKjIVhN-sIFZuJvoIQjp0IL9ZqzxmI7SxsecAetFAkk',
  },
  /** Worth nothing. Issues PCK certificates of multi-package platforms. */
  pckPlatformCa: {
    crv: 'P-256',
    x: 'rA_dpWbQImSpm7SuCg6_Hm_0BYvVJy2NsFiGjd7fM8k',
    y: 'D9h0RwNPWLPOltsVrY238D-Y65MqMnerhQ-hQqmJr90',
    d: 'SstlCoFCRkEKDou2B-v5loSSO-DiZoVJn6y1AHrmRv4',
  },
  /** Worth nothing. Issues PCK certificates of single-package platforms. */
  pckProcessorCa: {
    crv: 'P-256',
    x: 'uATKewViPB5A1oEA77DnvSYTA8ipuCskrv4HxdZguos',
    y: 'EguTVevh-_q_dht30YFdbtzvzSY3oxn29eHzuOyJOiM',
    d: 'XSghuodsL91PWHrMu6tCRaPXRmNKfZIaXmZyj_v87W8',
  },
  /** Worth nothing. Signs TCB info and QE identity. */
  tcbSigning: {
    crv: 'P-256',
    x: 'gDNN4AO4X7vxLTZDhw8a4Golf8OFv2rkSretE0Rfgcg',
    y: 'HiO1y91zakKe4Koy3j82PsYiJ5EIiA3mSKuMNPDNLJ0',
    d: 'XSsuMvl-6aYiRvUZk759fp0PA4bHqOZNay-4yrTLze8',
  },
  /** Worth nothing. The provisioning certification key of the simulated processor. */
  pck: {
    crv: 'P-256',
    x: 'bfspTY9yUGoAdpRQcdqJOY7vgufaYS51WBG8h-RK1CM',
    y: 'U6vgDQMz3cBsP6ddvhnTuwwRkFErRCQ166_tLASkWxs',
    d: '8aDPFq0LZOj_HOU0e-pyXa_P2gz66gDIlJ_ojmre83w',
  },
  /** Worth nothing. The quoting enclave's attestation key. */
  attestation: {
    crv: 'P-256',
    x: '2VIHFZf0RA8n3fLpJOifNhzfOUmDDBsPB_3BzfjIdWw',
    y: '9JLcgUx1yxRGkO-O8MoZyRuYqIiFV-VsIfjFMb2yGJo',
    d: 'YSMpxNU0CTYjE9BPkqsh_8IS8utr-msLBg7-HrD81m4',
  },
  /** Worth nothing. Signs what nobody may sign: forgeries. */
  strangerP256: {
    crv: 'P-256',
    x: 'pm_IVcsMFHlF0r1mvREeTKgv1lPOG96RAgDlaNxSCKg',
    y: 'yratg5OGBoa-iFm4MLYy4QvBIujdZgK1xDoT1Jdumx0',
    d: 'n3Y_ITAFWI1Or8Eiwrk8RJ_djx9jigxJ0j5E9w_vOnQ',
  },
  /** Worth nothing. Stands in for NVIDIA's device identity CA. */
  nvidiaRoot: {
    crv: 'P-384',
    x: 'O_-PaCONV1nHfn7pcCp8FvWxYoHSo3Q1y8eG8teWaEHoiarJd6taz1jQv1nL2VSy',
    y: 'KldDyF0T26RIt1blB63EI2iJaCh6iz9bD-OgPcmcGN_1EiiE7NqSfFQ9oUrYxSsZ',
    d: 'lr4pHI-9VpXvA49quqo9NTtzSiRLI3OWfq248mUZZCidrSjmeoBVgw2Ub0l0o1_O',
  },
  /** Worth nothing. The identity CA of one GPU generation. */
  nvidiaIdentity: {
    crv: 'P-384',
    x: 'TW46_skYULt9NB4NYLI5e_FVvM6qk3WMNVUxKUVnQku9rtUDtJdjFK3FI2CAk9pE',
    y: 'bkKMWjib2DbwQEaZIivCDoRR3jkx4XD5qOjZF0F3JDj86dqW6unOc4TMD5WNtSHg',
    d: 't32cz7VhCfkkFHjFrxfrgRtxR6pgXo2qLWHkluHTjVwuXYDjmCt9D6PWggyLB6qW',
  },
  /** Worth nothing. The provisioner CA below it. */
  nvidiaProvisioner: {
    crv: 'P-384',
    x: 'pxWJZi8ILZ4gg0rAFNdlAbfGc6OcBoKqSDp3ZepLzAMK9NYwoBvJcxCAKCMjN8aq',
    y: 'gmKdUQLqOUUf9rJ8-0w6IJlbEUXDB8GAaQKiqsyh6cmne8URAFqx5UUGuPNzVCDV',
    d: 'rjeuO85cX2gj6R8xptUd6irMSBmOPqS0F7J5PLVb5EPJzuFu-3QJ1d6WnQl1omAt',
  },
  /** Worth nothing. The simulated AMD processor's versioned chip endorsement key. */
  vcek: {
    crv: 'P-384',
    x: 'fPx0FxlXVJ1qQ_KROZW4RwHb-gkkohWDnE6dbUkiiCd9SvH-ZPhPuQTqWqqYQtD5',
    y: 'rXr613Um3Q-DHHYJvI8zo3IkohkhXqr2dqtxF_p3K0K6braQJyLKDmhG_agKFYco',
    d: 'kH57on6m0QDflzp0enN60yknTfA0EDOJSM1B7UqsYROkLfA2aneJaJ-nSeMj3Db5',
  },
  /** Worth nothing. Signs what nobody may sign: forgeries. */
  strangerP384: {
    crv: 'P-384',
    x: 'eJuz-EY_Z02Yu8TFuxi2utynkGXKr-dwNEdeQFdaxkY2tiYpFk8OhlSVU3EW_cir',
    y: 'uGC55QNb9y5S4JLVR_0NdFMa6mNHzoDkbTL87rx3-VLXLco-zc0Zicjdm6ianzId',
    d: 'Y7IUyF9lbPIp57JV_KDcJT6fI0DcyLVHe4vAFildmsygAcO9al8Kg8wotvDOal-2',
  },
  /** Worth nothing. Device keys of eight simulated GPUs, and the attestation keys they certify. */
  gpuDevice0: {
    crv: 'P-384',
    x: '9phX3O8ji12UyHlSnVeazRISjeKhpUQIBbJu8Q5fc3535VFd1GPuzGP3OoDnj-9P',
    y: 'JYVxzHdJEQddg0uiRZ_6uz3BaCOrhqCWUpioz83o-JtqEQV3Sb5uhLBhLfw7aWNb',
    d: 'M8MhEAiIe7paROV7JfaAPPA8pIF20GUvxdNkOPb0JxAoeNK1UQWyUIeMmKm70j4S',
  },
  gpuAttestation0: {
    crv: 'P-384',
    x: 'pCbLgjAh54EtLMz0WhFeegyWAbtqQpwx0WWc31DBAD2jDsBnhq_kZ54xVt7VSegc',
    y: 'tG6wGxRI6Gx8GXfKJobdAGiyyOODQsE64ZZiwXT_mJs8Y9IvUIqu_3e6ieXW5X3e',
    d: 'dG8PgVfVV8xO3RilGl-3BpwDMsQHKDQCAl0-PXIlxy8tlJZ_OcZFbzmsXycTD6ze',
  },
  gpuDevice1: {
    crv: 'P-384',
    x: 'uLxPRKBZ6DQ3C5pgVvczuFNbbzN11uxHAIyKzlYTgt3g_mFyXbzaYCq0FgxSC4KY',
    y: 'xy_0EhdmRhi36hmQHrKx0sI_niJNf4EVxM7skG8JJDzfduRyRoemsyOs3g2kKWBj',
    d: 'wMGcesLoIQiectgpiKiLoeAsIVAgMEFxdmdrLzmRXool7GfZ0CQFgv-cl2cxpcOA',
  },
  gpuAttestation1: {
    crv: 'P-384',
    x: '1HM0mt0rdKYbQ5fSyRAFZK31QBCaZK_THIdwfBrx6jW94E9PerLRMixuK_9KZDdU',
    y: 'NUvxkQqiPcp7UIGmUF2UynBUzATseX0nKbAsnWQWZ8vgDBnJZ-vkl6sYoXhCXAO9',
    d: '76Eu5tOshJUBngUprVwMThrvRGjIatkZMVMSAIKFYix2zNhYU8AV3gq85bBNltjO',
  },
  gpuDevice2: {
    crv: 'P-384',
    x: '1OZ1xhxS5A7OpoAeDD2sVsu5jnaAEbXMLgHkeZfC5-vEmaeZwCasqZcRHd1j32mG',
    y: 'dllrfWvjLwT2rEiNXSiEwRJeNuI0IXOettS7MJahbIndlZkfViH1STUsFMtIpWbZ',
    d: '8qVHWm9tKHkAgcLnA_aFZlyrhrtY2lUilHAcARZI3hmorXLOvu3m0MIfAIgE08yM',
  },
  gpuAttestation2: {
    crv: 'P-384',
    x: 'zxWyjjm-4rm9ES443uwghPJCBNg_m1H2hKPbtUTGvPuUxrcSvOyfiqOVh-491-hY',
    y: '8jT9guQhxljZZDBvbrdZCWlS6L5cXX8JAaKZztDn4Jbp2OHZH-1rbyQ4oOYZEJqs',
    d: 'uP_hYkGV6B8DYv5FtzVP2OP_f_yV8zpljJ4OK4KTh4ZtJzjuGo-FuMOD5EcF8461',
  },
  gpuDevice3: {
    crv: 'P-384',
    x: '1RJOvUvZj1Jc9vdrqHyjiufzn16hBZnvlNAxSYJtRuQWRmazC8eCPasnTaKdkjFm',
    y: '9Ye1D2Z1_NANjUupsDkkaKUFC8-5fV13kJfZ9mn-pluW7Md6m6pnzHdRS0nQgOOW',
    d: 'Z6M_VMB42p7xwSHQ1HkbENDZFFu_yTio1X5nkLNp31fJAEdZXNNH3J5B6FSvvZzn',
  },
  gpuAttestation3: {
    crv: 'P-384',
    x: 'MIQrTTHIKMtdRq7LKMPDHnbZOV7Y4fIqBF9eS-EOMJfKbeTeZryKP0VIQl_pe9x9',
    y: 'RW-lAGYa0XCNZzrcNJvhWaoYD6v24pYhWMuakE3S2psD1R48_aR0hKV10tGo8hly',
    d: 'mJ2NbTPnV26wSl-F9AXs6TR-kWxH4p9ZnSG4jbIdUEqBvDv0aUNeFPP-KhWp8hed',
  },
  gpuDevice4: {
    crv: 'P-384',
    x: 'DzdH-Ug98gVLOOXe9ls7wfh6O7FjWrNQxm5v41npDobbF7NUbDVeSrmIrcIX7pbg',
    y: 'PZ6gOdUgnE7QZDPAnVRxwB9ZWko2Tk4j79CIwacu7gma-3PN9UuTa0xYKvAD9Z-W',
    d: 'ESftEjFfCwcQ5v92qXmMZ8ZG348vh6ymvzHgRLnvinI9xsoOloMrv-E3FvwOoFlC',
  },
  gpuAttestation4: {
    crv: 'P-384',
    x: 'h_cTo-3DYGx02Ocr_ugJdmfnVcKslB6_yR60IIroUDMiG31i31djrqLXBSmpAC7N',
    y: 'xqeHQ25772DfTkuqNvIW8gplBgyTIqNnh3puMwAQR0zY1rOoO0UOJGPi1ZDIlg8_',
    d: 'a6VcBYQ_-QWBeeikJe23SPCxymYjYHa78G9PiEWjngm4MF7Acub100sQM2Sv7ug0',
  },
  gpuDevice5: {
    crv: 'P-384',
    x: '-kU4DPvAewpNhjtMpgAQqARvXEPw2KWMspY1LnGFI6S0cVleCq1tPKX0Q2x1SvYb',
    y: 'WpiJHAJx03TGTHXqWZxIPAzpZty6UiM2KmsuHAupqZTblFEWfsF6FyoUA697VO2b',
    d: 'I8_G-66ffj_I5a_j2LgrzEnEY71T7r3r6VNItzIU3Ax2FhlcSoCci551yTQoaQs7',
  },
  gpuAttestation5: {
    crv: 'P-384',
    x: '9DV3pxvB4lTyxBy3MHyV3HHhBAKr_clKzylCbhFOG-Pvccu9S5Kr7q1-LHtwsesT',
    y: 'bjXFv-VnvY2AjWsgEESKgGnWPtkje_q0qoZIB4EBGvc2GmlQrJrulkZOrW1ABIO_',
    d: 'BbICOhVnm37eHAGPvQyktrb9KIuKOHJuR0ztOoB9K9cG2USTKod7JRxP7EAcoDtS',
  },
  gpuDevice6: {
    crv: 'P-384',
    x: 'mZMfkOhRF2NwmJgRMCQumx8mn6uJUuZ1IGxGFHt2k0HUn4E9oERZAtn28eONJQ-S',
    y: 'h_0jVpK21tyhCGvTQGRSpY3f67oVONvoNrDbsfwrbmTp04s5Vh4409wsqRjuC4e6',
    d: 'kq0vxQ2dUcjfvUJSQqzFU66TTOw62_8A8n4If8kXgqQ5CjIx6nDr63AfaxCR2vMa',
  },
  gpuAttestation6: {
    crv: 'P-384',
    x: '0WfHHUD4VQZOqxgPem0hwSl56X27G0UIcov6CwggpzaHZP2Oz-vyE3xAgA18CC8Q',
    y: '6JlFXkRrpRotHqTfHuh57esLyI_nNCo1QStTLWyBg2G6sudnO4I_a1uIlY47Y2HW',
    d: 'nCjd9o5cG0-xO9-H8Xu8oL2AJC4p1mU253fW7JE_CrKzqNNfKaWY4KAh2kiMjv06',
  },
  gpuDevice7: {
    crv: 'P-384',
    x: '0X8Ul_dvvsm7lHpk2bBQkj_B3Y_pUVVgwtmCTPK2FFp_-S61sQi3ePis2NwUjXhJ',
    y: '3x9GV0koLatJJqwxu2c3TtV2Rmz5pCRWlkAw-SQXnXoWRMxbOpSUiy4VRsXvC0su',
    d: 'XYQpEavJXQiKiNcU7v_dnZbWgEXBK2y5PXrLlynDWgeMjaBjOImS3vc8R99HlB6t',
  },
  gpuAttestation7: {
    crv: 'P-384',
    x: 'ny9SLF-9z4D_qtATLNKH6VNVKmL6CSu_ELidZ-D-8xDFhQdT0EXnw3yjRhTNRLz7',
    y: '3gOFAGztHRpbUP_uy2kW3RDVSmGHJYUcZCeqL4SQCoI8H9wLOI3ISw5qzYrIZnya',
    d: 'w6UR1DUIh-HZqahqjt1Etik36s3Njbl7j1PWmHuhDPRahPp5DKsG1jvLDrJSbnTO',
  },
} as const satisfies Record<string, EcKey>

export const rsaKeys = {
  /** Worth nothing. Stands in for AMD's root key, the ARK. */
  amdRoot: {
    n: '63BVKVbdXMRpUBrm607Y8_mTAMcoG0Ydvel28IzSeIy6f_GEpF9PAcpFlpyevGQZue2n4KoxNc6ZQ0-I6thqEYFXy8iI84DBE7ZrA2Ij2RAz7rZNfuHxl0UBQsohM4CuoPhBtxjG9R9yRxUsvYc2_7BbpETCNV29YHTKFXECKU3BBYf78p9CV5G3v6FXELPsyuUxVQSq2VngZuKSRfVYOtI70215qLHVtsCMBbbTHPiRXMhQ_JrSFcEg5KeBdOC5l0uQYLZTbd9NpQ9Pu5X_RN66-JLWy0ktFLTNQXdIfBuMh0aX4Caec6O0tnbZWH4ow-hEbwBWpyOwSnOKMfkUbRRk2Y5gjZQHCl8rh3mUjhkaTQdWcxnZIFCerpVqvJa2nP8U3HwfL7t-EknZL7GFvPHZgWew_583AqUTt_cP8KIRoCPlAd8vJJl0y--vQwqiMLGd2-sWyjIOC60sw7BkpSlpYO2HwIpA6cTRs1YA3s_wIGviN-7b8FlPsHEND88_P0SHDiHr405-GYJZJEbflFFFWOqRM5RMPURu72a0knn_xpXo7By2ESUoDevxzxWYLk2jJsw3flBmFDLL_FYdCRugCmlw-9R4w5krgHeIR8nQ4d78uriCEYYjfDLYigdvOrmkmKZwVq4Ld6ovy0TjI49NHR1astHkN-8MZZc4Yq0',
    e: 'AQAB',
    d: 'BVDhP2B0eZR-uz4MQjpiyCl1sgINLAZ6g-_6TUaktu-Yg2yI3ew__K6cQSESrXbGJO5SiM5W85vRVpV8Zi8SQAhvWszRmMvqsB8Bjg9Ad3V38rcfi1KfMZbvhxpIwyCv8LcCRtfSoDTAUA4Ql0vvCDlrbEtYJjvSW5Pvfynwzk1w4wbVv73sUc1avIMwU9J4MYGYyk5jbCptGG2bt2QphJR8INM7OL2hMXHqB3QAEsqi_5kPSRDW1wJoE3mbwO-VCS892I0tV5D_8A7nMjlaDOxJhPTN0EO79ph5fPWsR48YrnI_2iINGFfVK_yFfkvE8F11dBsqGbaC07-FmojA9wV1WsietRGNYELFKUkRd3e2Esyfe8vyaXumVyxenL_NBnSnqnc7p1e-SBaHjsD-Oo6nOcUUj9mTlCqXwP5WZBtymEOoooToS5Yl8R0b8HAY-KCvDlbAbtNSAdM1nDNFSY-q1_Er_9AmK-xRXZ5DjeQej22r_m3R_KOx27xWv-J850SFl97GVFD5k4vmo2AVWSb4HqwJb9GZ7ZkAGsNkabyccg2ht9hsnghbk2VqfzllNCfGCCcWfTeVP70AJWtrXtf8AtsTyOhEN2kKuAG8PdNVzPUFaOWxD71p4moLPFa7_FL8wPiW11AS4pq8hs_FRcAZ8VPQldBdV5P6I3uXW9E',
    p: '94Dd63-JLjIR1JMNEnK2dcs3tagftUvZWhOGanSaSNTsdQg6-ZjTqk50iTesgo7Jh2usC2VR1jddgEdCtfo43us7dVpxuqpee-LEWk88I8fCG62q6lKZMDKJ-YeI44dpZGxMSq2gEWlGxuqWxmTymh5QMUxHC22YL84A24E4-b0Qy3ms4kNn8rmr71aqdkaFWbVjzJ4tFUaidRpgiv_0-LnzJ0f_1HyUxwQPCfU5LiF8NkRmDi6Q4xnzdkT3CCHfbL9oWQbfQfxRf4YP99Twx5ugNr8NDybyAH7brq_3rIM3nqAH9EbWcCDVzX2gtE7QzuOmLgwoPNnDRgfpfpZbnQ',
    q: '84VwSZFyYdzJzjWvLA00o5rFGTu5x2LycNfp-v2Nc2s5p9PzqP9GaptLyDfCUgs6BWPbGmkwEzqYyaPq1jB_3gRRhW1stpCKAcx1hH-MaOxinyl-laGIziij9kMyQdvr-uUv98NWHswemoyvjBNwvj1_vh_DVaCFoVqvl-JjW3LpwrtlQCSCOdWNMcAf_QVRLAV88JqaXPv3--L6z-kvg7_v4K01yI4thrvvJBeMtd4kaAsTaqqhudtRb8cWrhOvAaQREq61q5fhFGP-MhDsbQ7t3lPAEZjPbSRKBw1NB5vFscaYKYXbmgyYrAQ0SbhvDy5aeYHmlbSzJTIT6L0eUQ',
    dp: 'qEKZnCJGFnu_l26pMmN-G7KeGwdDFzOLfitL9E91HBJ09lM0FL-LFnrjyu1ogBGmfEP84HpvGlzlWfIYLjMAOrxc3bkxHB_6v-o4ZtT7I7AIDF0Slt60egnBtzwnGdfTFIxziUlkSrHxhgWxnwq9y3zUM8-RdPl6vvUjrBa7rzyTkGEV4XTF1EPZ2YpntKTYv1YLlO3r5Ezy4P2fqJ-94OI5pfjSuZhAZNQjjTeDOhNVqGbzoqyRn3LjCwJzlrnAdOPjgrKjUO7CURnI_Ulsr6bjUpSrwiNN3nxfyPCkRkmmpFZTUgRegDgyYdMIT8xNNHmbXi6xpDy-_nseiAqcGQ',
    dq: 'LvihFP-iAXBV2JmQRT3y1k_HDrvvdJ8IRm3PKuN3Qjj_cPi3-fPrQCreLitbJvoVYe7F101MwZi-2b3tUQ0fzNIma0cU_g3ZIMmwLTNxANf_mdWmHfR_b8x0-84wRnXGCanlW7Poy53xlTvnrGwfhgJUvnZf9gc1X08fqXs4UO5UWoRM3ldsav1e86asROCerJAOblZTyfWr-oDogevnh1EhUsP2KM4Lx_49_Ucxk-7aNNtWDnAFK9U62wWawU74padgx6q9TfDIsGctI7kR8WM8zHJ5DKvd7p5eTQfqwLnyIv08Yl34YrllRWC2OTYC7fmx59f_gwbMuzLyliTMUQ',
    qi: 'zm2l5goZQ8h1ep96PTcVnMdcrg0PwzXRZMy8MAqxNd42jvnMp4weZ1DVxP_Kh_xx3gg1KzgnFDUAz4sD1u-sndbSKunQrI_u-PYJnC9tU_GUyBNt7JUuwZmy2Ft8xUJiw9I1IuyHLFF1rtgedUmxJzVGtb_fGTFgxSYJCnV6CZwOrEEo7UkkZYYXyHQhRf4fL05qRk9PijRzIpI_JDp8w64jqQMarkp7G-IVnU0ovT59QysGWpbP0Ff8e1EW7jiJAFADaZV6qTT7p9Ku4GziKTat9OzHQQ8Jzi9J1T6DB957Ob-8mGpn_SziQYJIr75Zk7-zAJSk8cqOSOcYbVKPdg',
  },
  /** Worth nothing. Stands in for AMD's SEV key, the ASK. */
  amdSev: {
    n: 'qfBJy0N4C1W9nfTLDvo0jfewMFLyz0uwttmDYsd13ckInJEJnAwgywp4uIBeOe8EKeeNNInDwJ2_ItltnfJyyI-frT_8o9OCwp65KXXbFyHUAosCJJ58Xy2pDW3muwl6Pz9LEZ7-e4JXeB7UZFbKfgE0iV5Gt6RfEeE5tx8P8aXE7TrwOeCgC2dkem-Up4Tp7ZP0dT7PA5a5iKcQLzlhGQnJDJ3la5eEbc-luMJ4KTwsNwpTALAFb2iVcH1sOANuEIGGdkmZfrE3rIrIdZfJWFi7C60SMva-lHh1jzmToIb626LpKpLclIqWA53jVXvwTK0KQzZv9mbjj8MLK2P6dFXdRd-UBBCVJFxm_hFaOYUDOYqca_G3HRde1-4T8GXzBvzZx-Br7RHP_HyIH1lv9Ny8l1Pqiq95MF00QCizwU_zWRU1laFUhWbQmHh2YuJSdHxVlbyaB7TxmxyqgjbbwQ4JaLMocBoXnfsHbpVyULo-h12cvC9VWut-oy547zSS1b330CN5YeBbsaBk08NK-_yi8jyhNxt8nh1zieH8ugkr8M7QYI5S7QAqyTWeXZH8Mpf4TbLQfNoOYfR1bNpnn8z_ytVCHb-0Q0S48O-Byuxc7AVZHGc8VbNHpZVXW1IRn9SjGcPRAPrzKVC9Zey8iMltOWlzzxit8qYrNzTJWPk',
    e: 'AQAB',
    d: 'FBb4qFeRbFieZhsjesGsPxjIGsxhkU1PxqwD7uRo3BdpJdY1Gj4qTcqO_zPIv-VQWxJZRHvhWQblCs4EuhKIjIqDHFiHSchGSfL47Yx14kAQ59yOXC0iw586oCBtEZEzIyE8wwhmagw8gjI11mdWwKrsjq1HI6xiQ1M6jxoUWNNJqqhoMBVsojB-xcUlYCDzxS7zrD0ovLI_vIaQgJ6ySoMYQh4z-iJTSOaOfz85NJm9GeQl8Bu_Br7IxN_E8IHCTB_92QPGKj6x19tfy5wONNwnf5--GimGmfd8IVqTh9uRMjAqC6sJOePAzIxorMlOPQhLYWsA9TKQZiVPD5n-CHtm5GtK3o_cNCl_wMR_jOQA_xBnMDrSGh5XRulF_jfsTdFjFj9cvVNJ_UmOvi-YLGUYpTFXEiFsNVsyKYwknsSCQbzTqIkDMj-cZGcOvxGZGcv93Ru5EnPwn2332GWOGhUfzV0h4C3kjqjTymuCRTGOoCZRRhRUM4-cVFnvaB0hj1QZ2jMvtk7leisakgVsksMfekI-VHkgBkWbpxvDRhC2LPVppy9ftThEBe4NhTyKTlYJucC78DvjL4EU-JKYS7ZB3nzMFOHyDKWXz_XfqX6PozdN3GCD75cN-mTtW0uYnIcVETp1dNh5NSE8qd-sySk1B8PjX5X4C3g2jnA1V6E',
    p: '6JLdMRhWujOZZsp2i1JpBRkXjVFpNNYdQWPdJVawjcqPOio1s27J_aneFmplJC0sveIsdEUZNGkp2UZAdrhPsKys3LxU3E-vufPsxbEfHjC5Bu4uCxZFUPaX7dM2SxkWmxc7jsdvVlDQbHrqrXso-XUSGcvn3Zbv27PAKn-GowAOQpX402lYmsnqXevJnmjsYuvpw3v3syIMvq9M6b4VqTozm9kTxJ1eV6JwfZ5p7L0fbbFgneua6RDXPPyDzgnH0eTzempNGgI4vxnmDePy1rLZ95VSM0GTVmu7NozjTt7IVjjgZU3IXHV0bpNuYZEq-eHStoO3YhIci_rpmfTvYQ',
    q: 'uw5RqVTUBLITGpazdA-9cu20BxcJ9Q-GaT7YL-WITyBeXHGFbmrT0T1035ZR5P0x3zytDLtuCUhHdpveOLLfkhEKesB438JQ3AeL__xWiyHWyBdgkeZJMd-VU5EZLex32Gs5LyBVN2JRwDaWsGcL7-UUK_c-muHSmAR7HP7OHnkFF6mdnpUfc7ZDZbAngazirU4pFTfgXeiIomT4RfOu0AIBvhqS100qPk9RNAaqkwryQpTyMj3lS_q5dWzvhb5txtqZR3x1k9FSKELn-39Ca4dkQtHwOwxryKMNHyFt0xmozXpkZ_G3nI94waP5-CVrjF8OGThZUv1pm3yfNfNImQ',
    dp: 'ZFZIG1A2ympMei5K6lyJdmuW358J1oOxZ26gD-XQkbucAyoGtPzNJCTO7bjFHdBnhxw2tYrCDvx304cddJqbtssoYKrXqZyvYXg85CVAGZRHnxfOwXXAPefFMBN5Tvjp6csiJL0h6YlAAi0dZe7GhKjfQEXaKJ1fqddoxmzyNwxlGpD9IqhGU7Fc7Vw2RaNaqGrDFVU8TgoYmYOjmQwq6DF15nzGrIKAGyq3gVqAtGP7VSW7WyY0VOyxD1yZuKA7lvBBosSNsvTWaovP1ppLQBk1ND01k2ttF1GvGR-7SWGP6LLtDId8M3dw3eu5KVqpwdiNQbSdvy-1JScA9SzYwQ',
    dq: 'q61vq37sfEbHm86Wcz4C_VlGsn8lp2IRVcTU-9ipax3lHOkfsoCfWVoTSyYWkZkETcPNe3MGgcRxul1B7j3VTaUQPisqhQs91UOj7VS2RUnQa6JxAlcd9IUk8yanumtebyWxvRvqukMljslLMinRXeKcyeFI9zOtadIrACioGnWuA9KrlCF_VV8BqnGrQKvg-3hR4mR_KxFBXfJXnzQQzF4bJVQUU0BCNh_sAljf8sbII-25__yo1zwNPMW3a8Oj0y9MIL0M2Jbz1XnamgtpdXE0xtMRrdAvmFx1rY2r02SodbYQMwo5H5raFLcfs-z8MUAIm4MJEE7-vzL4mLZpeQ',
    qi: 'YXrrmQzSHgItB7miuV1lbsG6LPI7qYykMVXNfM6Tm76dhypiSPCIuowPv1GA4ZhOfgE_aaIZSW4fO9wjaNfFUsm6LS_4RYSFTa_9kNKunrVq_hu77vwEYu1DclYgsrvIIHxjrCPPrKMvwLcPGtlEtdyaHy1qKQJK5bejt-fxQwtkqxNq3npAMWX0mwcjI-HA98Ywx50ReOPGHbmHXN0iptzcF4w04pkzChv8YtDrrvFcEOo4w7IG9dlUUjHdzh74AnLnJxMBvG6Drzo-b3jTD3qi-zABuX4EBqHqjt3Bh7wnIIWkOrFRt20BW7NEgdtkuNjCWJ1OObIwNrlnGYuobQ',
  },
} as const satisfies Record<string, RsaKey>

/** Ed25519 seeds in hex. Worth nothing. Registry owners, the stamp key, a node's identity, and one that nobody trusts. */
export const ed25519Seeds = {
  owner0: '83665dcdd4951284ae05bbb4d205354c43363f134e4bf05ecaa1da0e93d8e1b4',
  owner1: '9ed353ffeacb1d86e9c34b52b5af424d6dffd2ad18989014a660390e44518084',
  owner2: '06a2b9707b4a54fffa433d35a4e36b04aef67fe189f650db6d204e8b327e34b2',
  stamp: '023fb9d28842cbf457475e632a3aab863cac66331859ac638e6fd204975b376b',
  identity: '847771a83b24f7bf579e8d7cc79e322e719606ab54c8773798e197998b41b11d',
  strangerEd25519: '9a24a6d38c8b143eb4fe8bc1f547876f83ad2c5f7ae0fd2b30b06ca3c0956e43',
} as const
