//! f32 against Hugging Face transformers: each step of a token, the logit lens, the shares of a logit, altered attention.

use headlight::inspect::{Altered, Journey, JourneyLayer, Standing};
use headlight::model::weights::Precision;
use headlight::session::Session;
#[cfg(target_arch = "wasm32")]
use wasm_bindgen_test::wasm_bindgen_test as test;

use super::ask;
use crate::made::{END_OF_TEXT, TOKENS, model, tensors_of, tokenizer};
use crate::support::{GOLDENS, Golden, largest_difference};

/// A session of a golden model with its prompt. The vocabulary is filled up with tokens of zeros until a tokenizer fits.
fn session(golden: &Golden) -> Session {
    let mut config = golden.config();
    let mut tensors = tensors_of(golden.model);
    for tensor in tensors.iter_mut().filter(|tensor| tensor.name.ends_with("wte.weight")) {
        let of_row = tensor.bytes.len() / config.vocab_size;
        config.vocab_size = config.vocab_size.max(TOKENS);
        tensor.bytes.resize(config.vocab_size * of_row, 0);
        tensor.shape[0] = config.vocab_size as u64;
    }
    tensors.retain(|tensor| tensor.name != "lm_head.weight");
    config.eos_token_id = END_OF_TEXT;
    let mut session = Session::new(model(config, &tensors, Precision::F32).unwrap(), tokenizer()).unwrap();
    session.set_tokens(golden.expected().ids("ids")).unwrap();
    session.complete().unwrap();
    session
}

/// Of how many tokens of a golden model answers can tell.
fn known(golden: &Golden) -> usize {
    golden.config().vocab_size.min(TOKENS)
}

/// The first `count` logits, from those of all known tokens by id.
fn logits(standings: impl Iterator<Item = (u32, Standing)>, count: usize) -> Vec<f32> {
    let mut logits = vec![f32::NAN; count];
    for (id, standing) in standings {
        logits.get_mut(id as usize).into_iter().for_each(|logit| *logit = standing.logit);
    }
    logits
}

/// Some layers' parts of a tensor, side by side.
fn stacked(layers: &[JourneyLayer], of: impl Fn(&JourneyLayer) -> &[f32]) -> Vec<f32> {
    layers.iter().flat_map(|layer| of(layer).to_vec()).collect()
}

#[test]
fn every_step_of_a_token_equals_transformers() {
    for golden in GOLDENS {
        let (mut session, expected, inside) = (session(&golden), golden.expected(), golden.inside());
        let config = golden.config();
        let last = session.tokens().len() - 1;
        let layers: Vec<JourneyLayer> = (0..config.n_layer)
            .map(|layer| {
                ask!(&mut session, JourneyLayer, { "kind": "journey-layer", "position": last, "layer": layer }).unwrap()
            })
            .collect();
        inside.check("norm1", &stacked(&layers, |layer| &layer.norm1.output));
        inside.check("gathered", &stacked(&layers, |layer| &layer.gathered));
        inside.check("projected", &stacked(&layers, |layer| &layer.projected));
        inside.check("attended", &stacked(&layers, |layer| &layer.attended));
        inside.check("norm2", &stacked(&layers, |layer| &layer.norm2.output));
        inside.check("neurons", &stacked(&layers, |layer| &layer.neurons));
        inside.check("activations", &stacked(&layers, |layer| &layer.activations));
        inside.check("mlp", &stacked(&layers, |layer| &layer.mlp));
        inside.check("output", &stacked(&layers, |layer| &layer.output));

        // Of all positions, the golden file has these for each head.
        let (size, count) = (config.head_size(), last + 1);
        let at_last = |name: &str, length: usize| -> Vec<f32> {
            let all = expected.floats(name);
            let rows = all.chunks_exact(length).skip(last).step_by(count);
            rows.flatten().copied().collect()
        };
        let close = |name: &str, found: Vec<f32>, expected: Vec<f32>| {
            let worst = largest_difference(&found, &expected);
            assert!(worst <= 2e-4, "{name} of {}: {worst}", golden.name);
        };
        close("query", stacked(&layers, |layer| &layer.query), at_last("query", size));
        close("key", stacked(&layers, |layer| &layer.key), at_last("key", size));
        close("value", stacked(&layers, |layer| &layer.value), at_last("value", size));
        close("scores", stacked(&layers, |layer| &layer.scores), at_last("scores", count));
        close("attention", stacked(&layers, |layer| &layer.weights), at_last("attention", count));
    }
}

#[test]
fn a_journey_and_the_logit_lens_equal_transformers() {
    for golden in GOLDENS {
        let (mut session, expected, inside) = (session(&golden), golden.expected(), golden.inside());
        let (config, known) = (golden.config(), known(&golden));
        let last = session.tokens().len() - 1;
        let lens = ask!(&mut session, Lens, { "kind": "lens", "position": last, "top": TOKENS, "token": 3 }).unwrap();
        let mut found = Vec::new();
        for depth in &lens.depths {
            let logits = logits(depth.guesses.iter().map(|guess| (guess.token.id, guess.standing)), known);
            assert_eq!(depth.token.as_ref().unwrap().standing.logit, logits[3]);
            found.extend(logits);
        }
        inside.check_first("lens", &found, known, config.vocab_size);

        let of_position = |session: &mut Session, position: usize| -> Journey {
            ask!(session, Journey, { "kind": "journey", "position": position, "top": 3, "logits": true }).unwrap()
        };
        let every: Vec<f32> = (0..=last)
            .flat_map(|position| of_position(&mut session, position).logits.unwrap()[..config.vocab_size].to_vec())
            .collect();
        expected.check("logits", &every);
        let journey = of_position(&mut session, last);
        let after: Vec<f32> =
            journey.residuals.chunks_exact(config.n_embd).skip(2).step_by(2).flatten().copied().collect();
        inside.check("output", &after);
        let embeddings = journey.token_embedding.iter().zip(journey.position_embedding.iter());
        let sum: Vec<f32> = embeddings.map(|(token, position)| token + position).collect();
        assert_eq!(sum, journey.residuals[..config.n_embd]);
    }
}

#[test]
fn the_shares_of_a_logit_equal_transformers() {
    for golden in GOLDENS {
        let (mut session, inside) = (session(&golden), golden.inside());
        let tokens = inside.ids("why_tokens");
        let last = session.tokens().len() - 1;
        let why = ask!(&mut session, Why, {
            "kind": "why", "position": last, "token": tokens[0], "against": tokens[1]
        })
        .unwrap();
        inside.check("why_heads", &why.heads);
        inside.check("why_biases", &why.attention_biases);
        inside.check("why_mlps", &why.mlps);
        inside.check("why_embeddings", &[why.token_embedding as f32, why.position_embedding as f32]);
        inside.check("why_final_bias", &[why.final_bias as f32]);
        assert!(why.rest.abs() <= 2e-4, "{}: {}", golden.name, why.rest);
    }
}

#[test]
fn altered_attention_equals_transformers_altered_in_the_same_way() {
    for golden in GOLDENS {
        let (mut session, inside) = (session(&golden), golden.inside());
        let (config, known) = (golden.config(), known(&golden));
        let before = session.logits().unwrap().to_vec();
        for name in ["off", "cut", "unmasked", "together"] {
            let alteration = &inside.description["alterations"][name];
            let altered: Altered =
                ask!(&mut session, Altered, { "kind": "alter", "alteration": alteration, "top": TOKENS }).unwrap();
            let after = altered.changes.iter().map(|change| (change.token.id, change.after));
            inside.check_first(&format!("{name}_logits"), &logits(after, known), known, config.vocab_size);
            let unchanged = altered.changes.iter().map(|change| (change.token.id, change.before));
            assert_eq!(logits(unchanged, known), before[..known]);
            assert!(altered.divergence > 0.0);
            let maps: Vec<f32> = (0..config.n_head)
                .flat_map(|head| {
                    let layer = config.n_layer - 1;
                    ask!(&mut session, Attention, {
                        "kind": "attention", "layer": layer, "head": head, "of": "altered"
                    })
                    .unwrap()
                    .weights
                    .0
                })
                .collect();
            inside.check(&format!("{name}_attention"), &maps);
            // What the altered run says of its last token is the same again.
            let last = session.tokens().len() - 1;
            let journey = ask!(&mut session, Journey, {
                "kind": "journey", "position": last, "top": 1, "logits": true, "of": "altered"
            })
            .unwrap();
            inside.check(&format!("{name}_logits"), &journey.logits.unwrap()[..config.vocab_size]);
        }
        assert_eq!(session.logits().unwrap(), before);
    }
}
