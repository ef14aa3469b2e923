namespace Mergeflow.Nic;

/// <summary>A rule in a table, as the queue's thread sees it.</summary>
internal sealed unsafe class NicRule(NicHandle handle, ulong userData, CompiledRule compiled, RuleBlock* block)
{
    public NicHandle Handle { get; } = handle;

    public ulong UserData { get; } = userData;

    public CompiledRule Compiled { get; } = compiled;

    public RuleBlock* Block { get; } = block;

    /// <summary>Row in the wildcard table.</summary>
    public int Row { get; set; }
}

/// <summary>A queued request.</summary>
/// <param name="Operation">What to do.</param>
/// <param name="Handle">The rule.</param>
/// <param name="UserData">For the completion.</param>
/// <param name="Rule">Create: the compiled rule, null if it was not valid.</param>
/// <param name="Error">Create: why it was not valid.</param>
/// <param name="DueNs">When it takes effect.</param>
internal readonly record struct NicRequest(NicOperation Operation, NicHandle Handle, ulong UserData, CompiledRule? Rule, FlowError? Error, long DueNs);
