// A shot of eight frames: chrome, gold, glass and lacquer on a chequered floor at dusk, the camera travelling round.
// To render one: povray +Ishot.pov +Oshot.png +W640 +H360 +K0.5, where +K is the shot's time, from 0 to 1.
#version 3.7;

global_settings {
  assumed_gamma 1.0
  max_trace_level 6
}

#declare Turn = radians(-38 + 76*clock);

camera {
  location <13.6*sin(Turn), 1.7 + 0.9*sin(pi*clock), -13.6*cos(Turn)>
  right x*image_width/image_height
  angle 40
  look_at <0, 1.75, 0>
}

// The low sun is warm, the light of the sky is cool.
light_source { <-60, 30, -34> color rgb <1.00, 0.76, 0.52>*1.5 }
light_source { <40, 60, -10> color rgb <0.32, 0.42, 0.70>*0.5 shadowless }

sky_sphere {
  pigment {
    gradient y
    color_map {
      [0.00 color rgb <1.00, 0.50, 0.22>]
      [0.06 color rgb <0.90, 0.42, 0.30>]
      [0.20 color rgb <0.42, 0.28, 0.44>]
      [0.45 color rgb <0.12, 0.15, 0.36>]
      [1.00 color rgb <0.02, 0.04, 0.14>]
    }
  }
}

// Haze lies on the floor and hides where it ends; the sky stays clear.
fog {
  fog_type 2
  distance 70
  fog_offset 0
  fog_alt 0.7
  color rgb <0.86, 0.40, 0.22>
}

#declare Mirror = finish { ambient 0 diffuse 0.06 reflection { 0.82 metallic } specular 0.9 roughness 0.001 }
#declare Lacquer = finish { ambient 0.02 diffuse 0.65 specular 0.5 roughness 0.015 reflection { 0.02, 0.35 fresnel on } conserve_energy }

#macro Ball(X, Z, R, Colour, Surface)
  sphere {
    <X, R, Z>, R
    pigment { color Colour }
    finish { Surface }
    interior { ior 1.5 }
  }
#end

plane {
  y, 0
  pigment { checker color rgb <0.50, 0.47, 0.44> color rgb <0.030, 0.036, 0.060> rotate y*45 scale 1.3 }
  finish { ambient 0.02 diffuse 0.8 reflection { 0.03, 0.45 fresnel on } conserve_energy }
  interior { ior 1.4 }
}

Ball(0, 0.4, 1.75, rgb <0.93, 0.94, 0.97>, Mirror)
Ball(-3.0, -1.1, 1.05, rgb <1.00, 0.66, 0.22>, Mirror)
Ball(3.1, 1.7, 0.95, rgb <0.60, 0.04, 0.04>, Lacquer)
Ball(-1.9, 2.9, 0.80, rgb <0.03, 0.22, 0.40>, Lacquer)

sphere {
  <2.5, 1.05, -1.9>, 1.05
  pigment { color rgbf <0.95, 1.00, 0.99, 0.97> }
  finish { ambient 0 diffuse 0 specular 0.9 roughness 0.0008 reflection { 0.03, 0.95 fresnel on } conserve_energy }
  interior { ior 1.5 fade_distance 3 fade_power 2 fade_color <0.35, 0.85, 0.78> }
}

// The small ones roll round the others while the camera travels the other way.
#for (I, 0, 15)
  #local A = 2*pi*I/16 - radians(60)*clock;
  #switch (mod(I, 4))
    #case (0) Ball(4.9*sin(A), 4.9*cos(A), 0.30, rgb <0.90, 0.86, 0.78>, Lacquer) #break
    #case (1) Ball(4.9*sin(A), 4.9*cos(A), 0.30, rgb <0.92, 0.34, 0.07>, Lacquer) #break
    #case (2) Ball(4.9*sin(A), 4.9*cos(A), 0.30, rgb <0.93, 0.94, 0.97>, Mirror) #break
    #else Ball(4.9*sin(A), 4.9*cos(A), 0.30, rgb <0.06, 0.32, 0.34>, Lacquer)
  #end
#end
