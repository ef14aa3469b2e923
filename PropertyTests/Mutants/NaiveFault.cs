namespace Mergeflow.PropertyTests;

/// <summary>What a merge that was written in an afternoon gets wrong; one switch each.</summary>
public enum NaiveFault
{
    None,

    /// <summary>Two passes that match one field: the later mask replaces the earlier one instead of being united bit by bit.</summary>
    FieldUnion,

    /// <summary>What a later pass matched goes into the rule as it was matched, behind rewrites and translations.</summary>
    NoPullBack,

    /// <summary>TTL, ToS and TCP flags are not in the rule: "NICs rarely match them".</summary>
    DropsTtlTosFlags,

    /// <summary>"No tag" is a value of 0 and looks like "any".</summary>
    DropsUntagged,

    /// <summary>SYN, FIN and RST of a tracked connection take the rule.</summary>
    HidesFinRst,

    /// <summary>Whether a dependency has moved since the trace was recorded is not looked at.</summary>
    IgnoresGenerations,

    /// <summary>What a rule counted since the last poll is forgotten when it is deleted.</summary>
    LosesFinalCounters,

    /// <summary>Every megaflow is credited the length as received.</summary>
    UncorrectedBytes,

    /// <summary>A rule is found by its value alone: a search under another rule's mask finds it as well.</summary>
    KeyWithoutMask,
}
