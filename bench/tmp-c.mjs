import { bundlePage, measure, openPage } from "./harness/browser.mjs";
for (const backend of ["wasm-simd","wasm-relaxed-simd"]) for (const [twoLayer,batchSize] of [[false,10],[true,64]]) {
 const { page, close } = await openPage(await bundlePage("ours.ts"));
 try { console.log(backend, twoLayer, batchSize, JSON.stringify(await measure(page, "prepareAdapter", { backend, twoLayer, batchSize }, { repeats: 3, aimMs: 200 }))); } catch(e){console.log(e.message)} finally { await close(); }
}
{ const { page, close } = await openPage(await bundlePage("ours.ts"));
 for (const backend of ["wasm-relaxed-simd"]) try { console.log(JSON.stringify(await measure(page, "prepareMatmul", { backend, size:512 }, { repeats: 3, aimMs: 200 }))); } catch(e){console.log(e.message)} await close(); }
process.exit(0)
