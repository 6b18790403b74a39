//! The accent colour, which must be legible in both colour schemes.

use super::BrandError;

/// The contrast of text (WCAG 2.2 SC 1.4.3).
const MIN_CONTRAST: f64 = 4.5;

/// The backgrounds of a card. The stylesheet has the same.
const LIGHT_BACKGROUND: Colour = Colour([0xff, 0xff, 0xff]);
const DARK_BACKGROUND: Colour = Colour([0x1a, 0x20, 0x1f]);

const WHITE: Colour = Colour([0xff; 3]);
const BLACK: Colour = Colour([0x00; 3]);

/// A colour in sRGB.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Colour([u8; 3]);

/// The colour of buttons and links, for each colour scheme.
#[derive(Debug, Clone, Copy)]
pub(super) struct Accent {
    light: Colour,
    dark: Colour,
}

impl Accent {
    /// Without a dark colour, it is the light one mixed with as much white as legibility needs.
    pub(super) fn parse(light: &str, dark: Option<&str>) -> Result<Self, BrandError> {
        let light = Colour::parse(light)?.legible_on(LIGHT_BACKGROUND, "light")?;
        let dark = match dark {
            Some(dark) => Colour::parse(dark)?.legible_on(DARK_BACKGROUND, "dark")?,
            None => light.lightened_for(DARK_BACKGROUND),
        };
        Ok(Self { light, dark })
    }

    /// The custom properties of the stylesheet.
    pub(super) fn css(self) -> String {
        let properties = |colour: Colour| {
            format!(":root{{--accent:{};--on-accent:{}}}", colour.css(), colour.text_on_it().css())
        };
        format!(
            "\n{}\n@media (prefers-color-scheme:dark){{{}}}",
            properties(self.light),
            properties(self.dark)
        )
    }
}

impl Colour {
    fn parse(text: &str) -> Result<Self, BrandError> {
        let error = || BrandError::Colour(text.to_owned());
        let digits = text.strip_prefix('#').filter(|digits| digits.len() == 6).ok_or_else(error)?;
        if !digits.chars().all(|digit| digit.is_ascii_hexdigit()) {
            return Err(error());
        }
        let number = u32::from_str_radix(digits, 16).map_err(|_| error())?;
        let [_, red, green, blue] = number.to_be_bytes();
        Ok(Self([red, green, blue]))
    }

    fn css(self) -> String {
        let [red, green, blue] = self.0;
        format!("#{red:02x}{green:02x}{blue:02x}")
    }

    fn legible_on(self, background: Self, name: &'static str) -> Result<Self, BrandError> {
        let contrast = self.contrast(background);
        if contrast >= MIN_CONTRAST {
            return Ok(self);
        }
        Err(BrandError::Contrast { colour: self.css(), contrast: format!("{contrast:.1}"), background: name })
    }

    /// White or black, whichever contrasts more: at least 4.5 with any colour.
    fn text_on_it(self) -> Self {
        if self.contrast(WHITE) >= self.contrast(BLACK) { WHITE } else { BLACK }
    }

    fn lightened_for(self, background: Self) -> Self {
        let shades = (0..=20).map(|step| self.mixed_with_white(step));
        shades.into_iter().find(|shade| shade.contrast(background) >= MIN_CONTRAST + 1.0).unwrap_or(WHITE)
    }

    /// With `step` twentieths of white.
    fn mixed_with_white(self, step: u16) -> Self {
        Self(self.0.map(|channel| {
            let mixed = (u16::from(channel) * (20 - step) + 255 * step) / 20;
            u8::try_from(mixed).unwrap_or(u8::MAX)
        }))
    }

    fn contrast(self, other: Self) -> f64 {
        let (one, two) = (self.luminance() + 0.05, other.luminance() + 0.05);
        one.max(two) / one.min(two)
    }

    /// The relative luminance of WCAG 2.2.
    fn luminance(self) -> f64 {
        let [red, green, blue] = self.0.map(|channel| {
            let value = f64::from(channel) / 255.0;
            if value <= 0.04045 { value / 12.92 } else { ((value + 0.055) / 1.055).powf(2.4) }
        });
        0.2126 * red + 0.7152 * green + 0.0722 * blue
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn any_accent_is_legible_in_both_schemes() {
        for light in ["#1a6b5c", "#000000", "#0000ff", "#b3261e", "#5f5f00"] {
            let accent = Accent::parse(light, None).unwrap();
            assert!(accent.dark.contrast(DARK_BACKGROUND) >= MIN_CONTRAST, "{light}");
            for colour in [accent.light, accent.dark] {
                assert!(colour.contrast(colour.text_on_it()) >= MIN_CONTRAST, "{light}");
            }
        }
    }

    #[test]
    fn the_contrast_is_that_of_wcag() {
        assert!((BLACK.contrast(WHITE) - 21.0).abs() < 1e-9);
        assert_eq!(format!("{:.2}", Colour([0x77; 3]).contrast(WHITE)), "4.48");
    }
}
