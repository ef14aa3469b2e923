namespace Mergeflow.Engine.Conntrack;

/// <summary>What a packet means to its connection, and which timeout holds from now on.</summary>
internal readonly struct L4Verdict
{
    private readonly sbyte _timeout;

    /// <summary>The timeout stays what it was.</summary>
    public L4Verdict(CtUpdate update)
    {
        Update = update;
        _timeout = -1;
    }

    /// <summary>The connection is heard of again: <paramref name="timeout"/> begins anew.</summary>
    public L4Verdict(CtUpdate update, CtTimeout timeout)
    {
        Update = update;
        _timeout = (sbyte)timeout;
    }

    public CtUpdate Update { get; }

    /// <summary>Is there a <see cref="Timeout"/>?</summary>
    public bool Refreshes => _timeout >= 0;

    public CtTimeout Timeout => (CtTimeout)_timeout;
}
