namespace Mergeflow.Engine.Xlate;

/// <summary>Why a megaflow does nothing with its packets (OVS <c>enum xlate_error</c>).</summary>
public enum DropReason : byte
{
    /// <summary>It does something.</summary>
    None,

    /// <summary>No action of any rule sends them anywhere.</summary>
    Pipeline,

    /// <summary>Tables are nested too deeply.</summary>
    RecursionTooDeep,

    /// <summary>Too many tables are looked up.</summary>
    TooManyResubmits,

    /// <summary>The stack has become too large.</summary>
    StackTooDeep,

    /// <summary>Nobody knows any more how a recirculated packet is to go on.</summary>
    NoRecirculationContext,

    /// <summary>Too many MPLS labels are pushed.</summary>
    TooManyMplsLabels,

    /// <summary>Another error of the translation.</summary>
    Other,
}

/// <summary>Names of reasons.</summary>
public static class DropReasons
{
    /// <summary>How many there are.</summary>
    public const int Count = (int)DropReason.Other + 1;

    /// <summary>Of an error that a translation has ended with; null = it has ended well.</summary>
    public static DropReason Of(string? error) => error switch
    {
        null => DropReason.Pipeline,
        "Recursion too deep" => DropReason.RecursionTooDeep,
        "Too many resubmits" => DropReason.TooManyResubmits,
        "Stack too deep" => DropReason.StackTooDeep,
        "No recirculation context" => DropReason.NoRecirculationContext,
        "Too many MPLS labels" => DropReason.TooManyMplsLabels,
        _ => DropReason.Other,
    };

    /// <summary>Its counter in Open vSwitch (<c>coverage/read-counter</c>); null = there is none.</summary>
    public static string? CounterOf(DropReason reason) => reason switch
    {
        DropReason.Pipeline => "drop_action_of_pipeline",
        DropReason.RecursionTooDeep => "drop_action_recursion_too_deep",
        DropReason.TooManyResubmits => "drop_action_too_many_resubmit",
        DropReason.StackTooDeep => "drop_action_stack_too_deep",
        DropReason.NoRecirculationContext => "drop_action_no_recirculation_context",
        DropReason.TooManyMplsLabels => "drop_action_too_many_mpls_labels",
        _ => null,
    };
}
