namespace Mergeflow.Nic;


/// <summary>
/// A NIC with one match/action stage: an exact-match table and a wildcard table, an asynchronous rule queue, per-rule counters, RSS on a miss.
/// What it can do and how fast is the profile's; what goes wrong is the fault plan's. It reads no clock: time is passed in.
/// </summary>
/// <remarks>
/// Threads: the <see cref="IFlowDevice"/> methods are for the one thread that owns the rule queue; each <see cref="NicRxQueue"/> is for the one
/// thread that polls it. The two kinds may run at the same time (<see cref="NicGate{TFence}"/>).
/// </remarks>
public sealed unsafe partial class EmulatedNic : IFlowDevice, IDisposable
{
    private readonly Dictionary<ulong, NicRule> _rules = [];
    private readonly FaultInjector _faults;
    private readonly ExactMatchTable _exactMatch;
    private readonly WildcardTable _wildcard;
    private bool _isMatching = true;

    /// <summary>A device without rules.</summary>
    public EmulatedNic(NicProfile profile, NicOptions? options = null)
    {
        options ??= new NicOptions();
        Profile = profile;
        RssSeed = options.Seed ^ 0x6d5a_6d5a_6d5a_6d5a;
        _faults = new FaultInjector(options.Faults);
        _exactMatch = new ExactMatchTable(profile.ExactMatchEntries, profile.ExactMatchTemplates, options.Seed);
        _wildcard = new WildcardTable(profile.WildcardRows, options.Kernel);
    }

    /// <inheritdoc/>
    public NicProfile Profile { get; }

    /// <inheritdoc/>
    public int RuleCount => _rules.Count;

    /// <summary>Rules in the exact-match table.</summary>
    public int ExactMatchCount => _exactMatch.Count;

    /// <summary>Templates in use.</summary>
    public int TemplateCount => _exactMatch.TemplateCount;

    /// <summary>Rules in the wildcard table.</summary>
    public int WildcardCount => _wildcard.Count;

    /// <summary>Keeps receivers and table changes apart.</summary>
    internal NicGate<ProcessWideFence> Gate { get; } = new();

    /// <summary>Key of the RSS hash.</summary>
    internal ulong RssSeed { get; }

    /// <inheritdoc/>
    public FlowError? Validate(FlowRule rule) => Compile(rule, out _);

    /// <summary>Whatever the profile says: there are no tunnels here.</summary>
    private FlowError? Compile(FlowRule rule, out CompiledRule? compiled)
    {
        if (FlowRuleCompiler.TryCompile(Profile, rule, out compiled) is { } error) return error;
        if (compiled is { Decap: null, Encaps.Count: 0, IsInside: false }) return null;
        compiled = null;
        return new FlowError(FlowErrno.NotSupported, FlowErrorType.Unspecified, "the emulated device has no tunnels") { Subject = "tunnel" };
    }

    /// <inheritdoc/>
    public void SetMatching(bool isOn)
    {
        Gate.Close();
        _isMatching = isOn;
        Gate.Open();
    }

    /// <summary>Opens a receive queue, for one thread.</summary>
    public NicRxQueue OpenRxQueue() => new(this, Gate.AddReader());

    /// <summary>Frees all tables. No queue may be in use.</summary>
    public void Dispose()
    {
        foreach (NicRule rule in _rules.Values) RuleBlock.Free(rule.Block);
        _rules.Clear();
        _exactMatch.Dispose();
        _wildcard.Dispose();
    }

    /// <summary>The rule for a key; inside the gate.</summary>
    internal RuleBlock* Find(ref NicKey key)
    {
        if (!_isMatching) return null;
        RuleBlock* rule = _exactMatch.Find(ref key);
        return rule != null ? rule : _wildcard.Find(ref key);
    }
}
