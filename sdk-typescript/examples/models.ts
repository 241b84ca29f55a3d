// Lists the models, and looks for one that is not there.

import { NotFoundError, NovAI } from 'novai';

const client = new NovAI();

const models = await client.models.list();
for (const model of models.data) console.log(model.id, model.owned_by);

try {
  await client.models.retrieve('no-such-model');
} catch (error) {
  if (!(error instanceof NotFoundError)) throw error;
  console.log(error.code, error.requestId);
}
