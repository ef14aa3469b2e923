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
