#!/usr/bin/env node
// Here before the build is: npm links a command only to a file that there is at installation.
import "../dist/pgmigrate.js";
