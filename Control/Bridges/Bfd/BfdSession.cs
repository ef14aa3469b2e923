namespace Mergeflow.Control.Bridges;

/// <summary>
/// One BFD session as Open vSwitch runs it (RFC 5880, asynchronous mode; OVS <c>lib/bfd.c</c>): takes messages and the time, says what to send and when. Knows no socket and no thread. Times in ms.
/// </summary>
public sealed partial class BfdSession
{
    private const int SlowTxMs = 1000;
    private const int LeastWindowMs = 2000;

    private readonly Random _random;
    private readonly Func<ulong> _received;
    private BfdOptions _options;
    private BfdFlags _flags;
    private BfdFlags _remoteFlags;
    private long _minTxMs = SlowTxMs;
    private long _minRxMs = 1;
    private long _pollMinTxMs;
    private long _pollMinRxMs;
    private long _remoteMinTxMs;
    private long _remoteMinRxMs = 1;
    private byte _remoteMultiplier;
    private uint _remoteDiscriminator;
    private long _lastTxMs;
    private long _nextTxMs;
    private long _detectMs;
    private bool _wasForwarding;
    private bool _isDecayed;
    private long _decayMs;
    private ulong _decayReceived;
    private int _decayMessages;
    private ulong _lastReceived;
    private long _receivingUntilMs;
    private long _demandUntilMs;

    /// <summary>A session that is down.</summary>
    /// <param name="name">Of the interface.</param>
    /// <param name="options">What is asked for.</param>
    /// <param name="discriminator">Number of the session, not 0, unique here.</param>
    /// <param name="nowMs">Time.</param>
    /// <param name="random">Draws how much sooner than its time a message is sent (RFC 5880, 6.8.7).</param>
    /// <param name="received">Packets that the port has received.</param>
    public BfdSession(string name, BfdOptions options, uint discriminator, long nowMs, Random random, Func<ulong> received)
    {
        (Name, Discriminator, _random, _received) = (name, discriminator, random, received);
        _options = options;
        _lastReceived = received();
        SetState(BfdState.Down, BfdDiagnostic.None, nowMs);
        (_minTxMs, _minRxMs) = (options.MinTxMs, options.MinRxMs);
    }

    /// <summary>Of the interface.</summary>
    public string Name { get; }

    /// <summary>Number of the session here.</summary>
    public uint Discriminator { get; }

    /// <summary>What is asked for.</summary>
    public BfdOptions Options => _options;

    /// <summary>State here.</summary>
    public BfdState State { get; private set; } = BfdState.AdminDown;

    /// <summary>Why it went down.</summary>
    public BfdDiagnostic Diagnostic { get; private set; }

    /// <summary>State there, as told last.</summary>
    public BfdState RemoteState { get; private set; } = BfdState.Down;

    /// <summary>Diagnostic there.</summary>
    public BfdDiagnostic RemoteDiagnostic { get; private set; }

    /// <summary>Times that the port came into use or went out of it.</summary>
    public ulong FlapCount { get; private set; }

    /// <summary>What somebody has ordered; null = the session decides.</summary>
    public bool? ForwardingOverride { get; set; }

    /// <summary>When it is to be looked at again at the latest.</summary>
    public long WakeMs => (_flags & BfdFlags.Final) != 0 ? 0 : State > BfdState.Down ? Math.Min(_detectMs, _nextTxMs) : _nextTxMs;

    private bool IsPolling => (_flags & BfdFlags.Poll) != 0;

    private long OwnMinTxMs => State == BfdState.Up ? _minTxMs : Math.Max(_minTxMs, SlowTxMs);

    private long TxIntervalMs => Math.Max(OwnMinTxMs, _remoteMinRxMs);

    private long RxIntervalMs => Math.Max(_minRxMs, _remoteMinTxMs);

    /// <summary>The database asks for something else.</summary>
    public void Configure(BfdOptions options, long nowMs)
    {
        BfdOptions before = _options;
        _options = options;
        bool polls = false;
        if (before.MinTxMs != options.MinTxMs)
        {
            if (State != BfdState.Up || (!IsPolling && options.MinTxMs < _minTxMs)) _minTxMs = options.MinTxMs;
            polls = true;
        }

        if (before.MinRxMs != options.MinRxMs)
        {
            if (State != BfdState.Up || (!IsPolling && options.MinRxMs > _minRxMs)) _minRxMs = options.MinRxMs;
            polls = true;
        }

        if (before.DecayMinRxMs != options.DecayMinRxMs || before.MinRxMs != options.MinRxMs)
        {
            _isDecayed = false;
            BeginDecay(nowMs);
            polls = true;
        }

        if (before.IsPathDown != options.IsPathDown)
        {
            SetState(State, BfdDiagnostic.None, nowMs);
            polls = true;
        }

        if (State == BfdState.Up && options.ForwardsIfReceiving && (!before.ForwardsIfReceiving || before.Multiplier != options.Multiplier)) BeginReceiving(nowMs);
        if (!options.ForwardsIfReceiving) _receivingUntilMs = 0;
        if (polls) Poll();
    }

    /// <summary>Looks at the time (OVS <c>bfd_run</c>).</summary>
    public void Run(long nowMs)
    {
        bool wasDecayed = _isDecayed;
        if (State > BfdState.Down && nowMs >= _detectMs) SetState(BfdState.Down, BfdDiagnostic.Expired, nowMs);
        if (_options.ForwardsIfReceiving && _received() is var received && received != _lastReceived)
        {
            _lastReceived = received;
            IsForwarding(nowMs);
            BeginReceiving(nowMs);
        }

        IsForwarding(nowMs);
        if (State == BfdState.Up && _options.DecayMinRxMs > 0 && nowMs >= _decayMs)
        {
            _isDecayed = _received() - _decayReceived <= 2ul * (ulong)Math.Max(_decayMessages, 1);
            BeginDecay(nowMs);
        }

        if (_minTxMs != _options.MinTxMs || (_minRxMs != _options.MinRxMs && _minRxMs != _options.DecayMinRxMs) || _isDecayed != wasDecayed) Poll();
    }

    /// <summary>A message is to be sent now.</summary>
    public bool ShouldSend(long nowMs) => (_flags & BfdFlags.Final) != 0 || nowMs >= _nextTxMs;

    /// <summary>The message that is sent now.</summary>
    public BfdMessage Send(long nowMs)
    {
        (long minTx, long minRx) = IsPolling ? (_pollMinTxMs, _pollMinRxMs) : (OwnMinTxMs, _minRxMs);
        BfdMessage message = new()
        {
            Diagnostic = Diagnostic,
            State = State,
            Flags = _flags,
            Multiplier = _options.Multiplier,
            MyDiscriminator = Discriminator,
            YourDiscriminator = _remoteDiscriminator,
            MinTxUs = (uint)Math.Min(minTx * 1000, uint.MaxValue),
            MinRxUs = (uint)Math.Min(minRx * 1000, uint.MaxValue),
        };
        _flags &= ~BfdFlags.Final;
        _lastTxMs = nowMs;
        SetNextTx();
        return message;
    }

    /// <summary>A message has come (RFC 5880, 6.8.6). False if it is for another session.</summary>
    public bool Receive(in BfdMessage message, long nowMs)
    {
        _decayMessages++;
        IsForwarding(nowMs);
        if (message.YourDiscriminator != 0 && message.YourDiscriminator != Discriminator) return false;
        (_remoteDiscriminator, RemoteState, RemoteDiagnostic, _remoteFlags) = (message.MyDiscriminator, message.State, message.Diagnostic, message.Flags);
        if ((message.Flags & BfdFlags.Final) != 0 && IsPolling)
        {
            (_minTxMs, _minRxMs) = (_pollMinTxMs, _pollMinRxMs);
            _flags &= ~BfdFlags.Poll;
        }

        if ((message.Flags & BfdFlags.Poll) != 0) _flags = (_flags & ~BfdFlags.Poll) | BfdFlags.Final;
        _remoteMultiplier = message.Multiplier;
        long remoteMinRx = Math.Max(message.MinRxUs / 1000, 1);
        if (_remoteMinRxMs != remoteMinRx)
        {
            _remoteMinRxMs = remoteMinRx;
            if (_nextTxMs != 0) SetNextTx();
        }

        _remoteMinTxMs = Math.Max(message.MinTxUs / 1000, 1);
        _detectMs = (RxIntervalMs * _remoteMultiplier) + nowMs;
        Follow(message.State, nowMs);
        if (_options.ForwardsIfReceiving) _demandUntilMs = nowMs + (100L * _options.MinRxMs);
        IsForwarding(nowMs);
        return true;
    }

    /// <summary>The port may be used. Counts each change.</summary>
    public bool IsForwarding(long nowMs)
    {
        if (ForwardingOverride is { } ordered) return ordered;
        bool receives = _options.ForwardsIfReceiving && _receivingUntilMs > nowMs && _demandUntilMs > nowMs;
        bool forwards = (State == BfdState.Up || receives)
            && RemoteDiagnostic is not (BfdDiagnostic.PathDown or BfdDiagnostic.ConcatenatedPathDown or BfdDiagnostic.ReverseConcatenatedPathDown);
        if (forwards != _wasForwarding) FlapCount++;
        return _wasForwarding = forwards;
    }

    private void Follow(BfdState remote, long nowMs)
    {
        if (remote == BfdState.AdminDown)
        {
            if (State != BfdState.Down) SetState(BfdState.Down, BfdDiagnostic.RemoteDown, nowMs);
            return;
        }

        switch (State)
        {
            case BfdState.Down when remote == BfdState.Down:
                SetState(BfdState.Init, Diagnostic, nowMs);
                break;
            case BfdState.Down when remote == BfdState.Init:
            case BfdState.Init when remote > BfdState.Down:
                SetState(BfdState.Up, Diagnostic, nowMs);
                break;
            case BfdState.Up when remote == BfdState.Down:
                SetState(BfdState.Down, BfdDiagnostic.RemoteDown, nowMs);
                break;
        }
    }

    private void SetState(BfdState state, BfdDiagnostic diagnostic, long nowMs)
    {
        if (_options.IsPathDown) diagnostic = BfdDiagnostic.ConcatenatedPathDown;
        if (State == state && Diagnostic == diagnostic) return;
        (State, Diagnostic) = (state, diagnostic);
        if (state <= BfdState.Down)
        {
            (RemoteState, RemoteDiagnostic, _remoteMinRxMs, _remoteMinTxMs, _remoteFlags, _remoteDiscriminator) = (BfdState.Down, BfdDiagnostic.None, 1, 0, BfdFlags.None, 0);
            if (_isDecayed) (_minRxMs, _isDecayed) = (_options.MinRxMs, false);
        }

        if (state == BfdState.Up && _options.DecayMinRxMs > 0) BeginDecay(nowMs);
    }

    /// <summary>RFC 5880, 6.5.</summary>
    private void Poll()
    {
        if (State <= BfdState.Down || IsPolling || (_flags & BfdFlags.Final) != 0) return;
        (_pollMinTxMs, _pollMinRxMs) = (_options.MinTxMs, _isDecayed ? _options.DecayMinRxMs : _options.MinRxMs);
        _flags |= BfdFlags.Poll;
        _nextTxMs = 0;
    }

    /// <summary>RFC 5880, 6.8.7: up to a quarter sooner; with a multiplier of 1 at least a tenth.</summary>
    private void SetNextTx()
    {
        long interval = TxIntervalMs;
        interval -= interval * (_options.Multiplier == 1 ? 10 + _random.Next(16) : _random.Next(26)) / 100;
        _nextTxMs = _lastTxMs + interval;
    }

    private void BeginDecay(long nowMs) => (_decayReceived, _decayMessages, _decayMs) = (_received(), 0, Math.Max(_options.DecayMinRxMs, LeastWindowMs) + nowMs);

    private void BeginReceiving(long nowMs) => _receivingUntilMs = Math.Max(RxIntervalMs * _options.Multiplier, LeastWindowMs) + nowMs;
}
