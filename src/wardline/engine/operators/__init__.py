"""What operators decide, and how they act: checked, journalled, applied, and only then answered."""
