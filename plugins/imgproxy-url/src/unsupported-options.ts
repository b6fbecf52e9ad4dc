/**
 * imgproxy's options that are not understood here, Pro's included: whoever brings a URL along learns
 * that the name is right and the feature is missing. imgproxy: Processing an image.
 */
export const UNSUPPORTED_OPTIONS: ReadonlySet<string> = new Set(
  `
  resizing_algorithm ra extend_aspect_ratio extend_ar exar objects_position obj_pos op
  crop_aspect_ratio crop_ar car background_alpha bga adjust a brightness br contrast co saturation sa
  monochrome mc duotone dt pixelate pix unsharp_masking ush blur_areas ba progressive_blur pbl
  blur_detections bd draw_detections dd crop_objects colorize col gradient gr
  watermark wm watermark_url wmu watermark_text wmt watermark_size wms watermark_rotate wm_rot wmr
  watermark_shadow wmsh style st keep_copyright kcr strip_color_profile scp enforce_thumbnail eth
  preserve_hdr ph dpi color_profile cp icc format_quality fq autoquality aq max_bytes mb
  jpeg_options jpgo png_options pngo webp_options webpo avif_options avifo
  page pg pages pgs disable_animation da video_thumbnail_second vts video_thumbnail_keyframes vtk
  video_thumbnail_tile vtt video_thumbnail_animation vta fallback_image_url fiu skip_processing skp
  bypass_cache bc cache_tags ct hashsum hs max_src_resolution msr max_src_file_size msfs
  max_animation_frames maf max_animation_frame_resolution mafr max_result_dimension mrd
  `
    .trim()
    .split(/\s+/),
);
