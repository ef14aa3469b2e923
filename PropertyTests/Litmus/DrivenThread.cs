using System.Globalization;
using Mergeflow.Native;

namespace Mergeflow.PropertyTests;

/// <summary>One thread that stops at every marked access until it is told to go on.</summary>
internal sealed class DrivenThread : IInterleaver, IDisposable
{
    private static readonly TimeSpan s_longest = TimeSpan.FromMinutes(5);
    private readonly SemaphoreSlim _go = new(0);
    private readonly SemaphoreSlim _stopped = new(0);
    private readonly Thread _thread;
    private List<DrivenThread> _all = [];
    private IReadOnlyList<string> _missingFences = [];
    private Action? _body;
    private StoreBuffer? _stores;
    private bool _isWaiting;
    private bool _standsAtWait;
    private bool _spins;
    private bool _isFree;
    private bool _ends;

    public DrivenThread(int index)
    {
        Index = index;
        _thread = new Thread(Run) { IsBackground = true, Name = string.Create(CultureInfo.InvariantCulture, $"litmus {index}") };
        _thread.Start();
    }

    public int Index { get; }

    /// <summary>What it does next, <c>thread.step</c>.</summary>
    public string Where { get; private set; } = "";

    public bool IsDone { get; private set; }

    public bool CanGo => !IsDone && !_isWaiting;

    public string? Violation { get; private set; }

    public int PendingStores => _stores?.Count ?? 0;

    /// <inheritdoc/>
    StoreBuffer? IInterleaver.Stores => _stores;

    /// <summary>A new run: the thread stands before its first instruction.</summary>
    public void Begin(Action body, Explorer explorer, List<DrivenThread> all)
    {
        (_body, _all, _stores, _missingFences) = (body, all, explorer.StoreBuffers ? new StoreBuffer() : null, explorer.MissingFences);
        (IsDone, _isWaiting, _standsAtWait, _spins, _isFree, Violation) = (false, false, false, false, false, null);
        Where = Name("begin");
    }

    /// <summary>Lets it make one access, and waits until it stands before the next.</summary>
    /// <returns>False if it only waits again.</returns>
    public bool Go()
    {
        bool waited = _standsAtWait;
        _standsAtWait = false;
        _go.Release();
        if (!_stopped.Wait(s_longest)) throw new InvalidOperationException($"{Where}: blocked by something that is not marked");
        return !waited || !_standsAtWait;
    }

    public void DrainOne() => _stores!.DrainOne();

    /// <summary>Lets a thread that spins look once more; false if it does not.</summary>
    public bool LookAgain()
    {
        if (!_isWaiting || !_spins) return false;
        _isWaiting = false;
        return true;
    }

    /// <summary>Another thread has acted: waiting may be over.</summary>
    public void SomethingHappened() => _isWaiting = false;

    /// <summary>Lets an unfinished run end by itself; what it does does not matter any more.</summary>
    public void Abandon()
    {
        _isFree = true;
        if (!IsDone) Go();
    }

    /// <inheritdoc/>
    public void Step(string step) => Stop(step);

    /// <inheritdoc/>
    public void Wait(string step)
    {
        if (_isFree) throw new LitmusViolation("abandoned");
        _isWaiting = _standsAtWait = true;
        Stop(step);
    }

    /// <inheritdoc/>
    public void Spin(string step)
    {
        _spins = true;
        Wait(step);
        _spins = false;
    }

    /// <inheritdoc/>
    public void Fence(string step)
    {
        if (!_missingFences.Contains(step)) _stores?.Drain();
    }

    /// <inheritdoc/>
    public void FenceAll(string step)
    {
        if (_missingFences.Contains(step)) return;
        foreach (DrivenThread t in _all) t._stores?.Drain();
    }

    public void Dispose()
    {
        _ends = true;
        _go.Release();
        _thread.Join();
        _go.Dispose();
        _stopped.Dispose();
    }

    private string Name(string step) => string.Create(CultureInfo.InvariantCulture, $"{Index}.{step}");

    private void Stop(string step)
    {
        if (_isFree) return;
        Where = Name(step);
        _stopped.Release();
        _go.Wait();
    }

    private void Run()
    {
        Interleaving.Drive(this);
        for (; ; )
        {
            _go.Wait();
            if (_ends) return;
            try
            {
                _body!();
            }
            catch (Exception e)
            {
                // Only a forbidden outcome is a finding of the test; anything else that is thrown is one too, by its name.
                Violation = e is LitmusViolation ? e.Message : e.ToString();
            }

            IsDone = true;
            Where = Name("end");
            _stopped.Release();
        }
    }
}
