import { given, tell } from './browser';
import { nameOf } from './first';

tell({ name: await nameOf(given.email!, given.password!) });
