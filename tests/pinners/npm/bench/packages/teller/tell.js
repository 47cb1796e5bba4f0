#!/usr/bin/env node
console.log(require("@bench/words")[0]);
