#!/usr/bin/env node
import '../dist/admin/migrate-command.js';
