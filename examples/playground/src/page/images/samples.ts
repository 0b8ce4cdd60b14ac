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
  /** Its category in Unicode, which is its class. */
  readonly className: string;
  readonly url: string;
}

/** Some emoji that the models were not trained on. */
export const samples: readonly Sample[] = [
  { name: 'Lion', className: 'Animals & Nature', url: lion },
  { name: 'Thinking face', className: 'Smileys & Emotion', url: thinking },
  { name: 'Angry face', className: 'Smileys & Emotion', url: rage },
  { name: 'Beating heart', className: 'Smileys & Emotion', url: heart },
  { name: 'Peacock', className: 'Animals & Nature', url: peacock },
  { name: 'Rose', className: 'Animals & Nature', url: rose },
  { name: 'Cup of tea', className: 'Food & Drink', url: tea },
  { name: 'Pie', className: 'Food & Drink', url: pie },
  { name: 'Broccoli', className: 'Food & Drink', url: broccoli },
  { name: 'Compass', className: 'Travel & Places', url: compass },
  { name: 'School', className: 'Travel & Places', url: school },
  { name: 'Clock', className: 'Travel & Places', url: clock },
  { name: 'Rugby ball', className: 'Activities', url: football },
  { name: 'Telescope', className: 'Objects', url: telescope },
  { name: 'Harp', className: 'Objects', url: harp },
  { name: 'Flag of Australia', className: 'Flags', url: australia },
  { name: 'Flag of Morocco', className: 'Flags', url: morocco },
  { name: 'Merperson', className: 'People & Body', url: merperson },
];
