import australia from 'emoji-datasource-google/img/google/64/1f1e6-1f1fa.png?url';
import morocco from 'emoji-datasource-google/img/google/64/1f1f2-1f1e6.png?url';
import football from 'emoji-datasource-google/img/google/64/1f3c9.png?url';
import school from 'emoji-datasource-google/img/google/64/1f3eb.png?url';
import merperson from 'emoji-datasource-google/img/google/64/1f9dc.png?url';
import compass from 'emoji-datasource-google/img/google/64/1f9ed.png?url';
import telescope from 'emoji-datasource-google/img/google/64/1f52d.png?url';
import peacock from 'emoji-datasource-google/img/google/64/1f99a.png?url';
import rose from 'emoji-datasource-google/img/google/64/1f339.png?url';
import tea from 'emoji-datasource-google/img/google/64/1f375.png?url';
import heart from 'emoji-datasource-google/img/google/64/1f493.png?url';
import clock from 'emoji-datasource-google/img/google/64/1f556.png?url';
import rage from 'emoji-datasource-google/img/google/64/1f621.png?url';
import thinking from 'emoji-datasource-google/img/google/64/1f914.png?url';
import broccoli from 'emoji-datasource-google/img/google/64/1f966.png?url';
import pie from 'emoji-datasource-google/img/google/64/1f967.png?url';
import lion from 'emoji-datasource-google/img/google/64/1f981.png?url';
import harp from 'emoji-datasource-google/img/google/64/1fa89.png?url';

/** A picture that is shipped with the page. */
export interface Sample {
  readonly name: string;
  readonly url: string;
}

/** Some of the emoji that the models have not seen in training. */
export const samples: readonly Sample[] = [
  { name: 'Lion', url: lion },
  { name: 'Thinking face', url: thinking },
  { name: 'Angry face', url: rage },
  { name: 'Beating heart', url: heart },
  { name: 'Peacock', url: peacock },
  { name: 'Rose', url: rose },
  { name: 'Cup of tea', url: tea },
  { name: 'Pie', url: pie },
  { name: 'Broccoli', url: broccoli },
  { name: 'Compass', url: compass },
  { name: 'School', url: school },
  { name: 'Clock', url: clock },
  { name: 'Rugby ball', url: football },
  { name: 'Telescope', url: telescope },
  { name: 'Harp', url: harp },
  { name: 'Flag of Australia', url: australia },
  { name: 'Flag of Morocco', url: morocco },
  { name: 'Merperson', url: merperson },
];
