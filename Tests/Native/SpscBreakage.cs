namespace Mergeflow.Tests;

/// <summary>Which step of the single-producer protocol the twin gets wrong.</summary>
internal enum SpscBreakage
{
    /// <summary>None: the twin itself is sound, so what is caught is the breakage.</summary>
    None,

    /// <summary>Step 3 before step 2: the index is published before the record is written.</summary>
    PublishedBeforeWritten,

    /// <summary>Step 6 before step 5: the slot is given back before it has been copied out.</summary>
    FreedBeforeCopied,

    /// <summary>Step 1 left out: nobody looks whether the ring is full.</summary>
    FullNotChecked,
}
