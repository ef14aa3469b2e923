namespace Mergeflow.Tests;

/// <summary>Which step of the several-producers protocol the twin gets wrong.</summary>
internal enum MpscBreakage
{
    /// <summary>None: the twin itself is sound, so what is caught is the breakage.</summary>
    None,

    /// <summary>Step 2 without compare-and-swap: two producers claim one slot and a record is lost.</summary>
    ClaimNotAtomic,

    /// <summary>Step 4 before step 3: the turn is handed on before the record is written.</summary>
    PublishedBeforeWritten,

    /// <summary>Step 5 looks at Tail instead of the turn: a claimed slot is read before its record is there.</summary>
    ClaimTakenForPublication,

    /// <summary>Step 7 before step 6: the slot is given back before it has been copied out.</summary>
    FreedBeforeCopied,
}
