"""Pascal VOC's annotations: an XML file per photo."""
