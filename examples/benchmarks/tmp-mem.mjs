import { createOrtEngine } from '@dpar/engine-ort';
import { dparPreset, llamaGenPreset, presets } from '@dpar/model';
import { initializeParameters } from '@dpar/nn';
import { padPatchLengths } from '@dpar/patchify';
import { createRandom, int32 } from '@dpar/tensor';
import { lossAndGradients, trainableDpar, trainableLlamaGen, DropoutMasks } from '@dpar/train';
const [kind, batch, recompute, drop, n='2'] = process.argv.slice(2);
const B=+batch; const dpar=dparPreset(presets.B), ll=llamaGenPreset(presets.B);
const model = kind==='dpar'?trainableDpar(dpar):trainableLlamaGen(ll);
const engine = await createOrtEngine({threads:2});
const parameters = initializeParameters(model.specs,1);
createRandom(5).fillNormal(parameters['output.weight'].data,{std:0.02});
const r = createRandom(4); const T=256;
const lengths=[]; for(let b=0;b<B;b++){ let left=256, l=[]; while(left>0){const k=Math.min(left,1+(l.length%2===0?0:1)+(l.length%5===0?1:0));l.push(k);left-=k;} lengths.push(Int32Array.from(l)); }
const batchT = {images:Int32Array.from({length:B},(_, i)=>i),tokens:int32([B,T],Int32Array.from({length:B*T},()=>r.integer(16384))),labels:int32([B],Int32Array.from({length:B},()=>r.integer(1000))),patchLengths:padPatchLengths(lengths)};
const rates={token:+drop,residual:+drop,feedForward:+drop};
const step=lossAndGradients(engine,model,[],{dropout:rates,recomputeBlocks:recompute==='1'});
const inputs=model.inputs(batchT);
const masks=new DropoutMasks(model,rates,0);
const rss0=process.memoryUsage().rss;
for(let i=0;i<+n;i++){ const t0=performance.now(); const m=+drop>0?masks.draw(inputs,i):{}; const t1=performance.now(); const res=await step.run(parameters,{...inputs,...m}); console.log(kind,batch,'recompute',recompute,'drop',drop,'loss',res.loss.toFixed(4),'masks',(t1-t0).toFixed(0),'step ms',(performance.now()-t1).toFixed(0),'peak GB',(process.resourceUsage().maxRSS/1e6).toFixed(2)); }
