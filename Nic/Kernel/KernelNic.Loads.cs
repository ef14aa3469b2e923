using Mergeflow.Native;

namespace Mergeflow.Nic;

/// <content>
/// The program is written and verified anew for each new mask. That takes the kernel some 30 ms of processor time, so it may be done beside the rule queue: rules for which the program is written are put in and taken out meanwhile,
/// the others lie in the table and are not used until it is there.
/// </content>
public sealed partial class KernelNic
{
    /// <summary>Rules that are in the table and wait for the program, in the order in which they came. For the thread of the rule queue.</summary>
    private readonly LinkedList<Rule> _waiting = new();

    /// <summary>A program has been put in place since it was looked at which rules still wait.</summary>
    private bool _isReplaced;

    /// <summary>What is being verified beside the rule queue.</summary>
    private Task<Programs>? _making;

    /// <summary>Changes with what programs are written for, besides masks and features: what was begun before is not put in place.</summary>
    private int _drawn;

    /// <summary>A program for new masks is verified by a thread of its own once frames meet it; otherwise <see cref="Poll"/> does it, and its rules are there when it returns.</summary>
    public bool LoadsAside { get; init; }

    /// <summary>Writes the program for the templates and puts it in the place of the one before, on all ports.</summary>
    private FlowError? Load() => Load(Draw());

    private FlowError? Load(Drawing drawing)
    {
        lock (_sync)
        {
            Programs made = Make(drawing);
            _drawn++;
            return made.Refused ?? PutInPlace(made);
        }
    }

    /// <summary>What a program is to be written for now.</summary>
    private Drawing Draw() => new([.. _templates], FeaturesOfRules(), new KernelShadow(SampledOneIn, _samples?.MapDescriptor ?? -1), [.. _ports.Values.Select(static p => p.Xdp).OfType<KernelXdp>()], _drawn);

    /// <summary>The same without what rules wait for: who changes something else neither pays for their masks nor fails with them. A program is in place.</summary>
    private Drawing DrawWritten() => Draw() with { Templates = [.. _templates.Where(static t => t.IsWritten)], Features = _features };

    /// <summary>Has the program verified, and its other form for each port whose misses go to sockets. From any thread.</summary>
    private Programs Make(Drawing drawing)
    {
        Programs made = new(drawing);
        try
        {
            made.Main = Load(drawing, IsTc, -1);
            foreach (KernelXdp xdp in drawing.Sockets) made.Forms.Add((xdp, Load(drawing, isTc: false, xdp.SocketMap)));
        }
        catch (BpfException e)
        {
            made.Dispose();
            made.Refused = Refusal(e);
        }

        return made;
    }

    private BpfProgram Load(Drawing drawing, bool isTc, int socketMap)
    {
        BpfInstruction[] code = KernelProgram.Write(_memory, drawing.Templates, isTc, socketMap, shadow: drawing.Shadow, features: drawing.Features);
        if (Edit is { } edit) code = edit(code);
        return isTc ? BpfProgram.Load(BpfProgramType.SchedCls, code, "mergeflow") : BpfProgram.Load(BpfProgramType.Xdp, code, "mergeflow", BpfProgram.HasFragments);
    }

    private FlowError? PutInPlace(Programs made)
    {
        // Links keep theirs, and what was there before goes with the rest.
        using Programs all = made;
        try
        {
            foreach (KernelPort port in _ports.Values)
            {
                if (port.Link is { } link) Update(link, made.Main!);
            }

            foreach ((KernelXdp xdp, BpfProgram program) in made.Forms) Update(xdp.Link, program);
        }
        catch (BpfException e)
        {
            return Refusal(e);
        }

        (_program, made.Main) = (made.Main!, _program);
        (_features, _isBehind, _isReplaced) = (made.Drawing.Features, false, true);
        foreach (KernelTemplate t in made.Drawing.Templates) t.IsWritten = true;
        return null;
    }

    private static FlowError Refusal(BpfException e) => new(FlowErrno.Io, FlowErrorType.Unspecified, $"the kernel refuses the program: {e.Message}: {LastLine(e.VerifierLog)}");

    /// <summary>The program that is in place does all that the rule asks for.</summary>
    private bool IsWritten(Rule rule) => rule.Template is { IsWritten: true } && (rule.Actions.Features & ~_features) == 0;

    /// <summary>Puts a program in place that is done, lets rules be used that have waited for it, and begins the next one if others wait.</summary>
    private void KeepWriting()
    {
        if (_making is { IsCompleted: true } done)
        {
            _making = null;
            Programs made = done.GetAwaiter().GetResult();
            if (IsOutdated(made.Drawing)) made.Dispose();
            else if ((made.Refused ?? PutInPlace(made)) is { } refused) FailWaiting(made.Drawing, refused);
        }

        if (_isReplaced)
        {
            _isReplaced = false;
            foreach (Rule rule in Waiting(IsWritten)) EndWait(rule);
        }

        if (_waiting.Count == 0 || _making is not null) return;
        Drawing next = Draw();
        _making = Task.Factory.StartNew(() => Make(next), CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
    }

    /// <summary>Something has changed since that is not a new mask, or a rule is used that the program could not carry out.</summary>
    private bool IsOutdated(Drawing drawing)
        => drawing.Number != _drawn || _rules.Any(r => r is { IsThere: true, IsWaiting: false } && (r.Actions.Features & ~drawing.Features) != 0);

    /// <summary>The rule is used from now on, unless its end has been asked for, and is reported to be there.</summary>
    private void EndWait(Rule rule)
    {
        StopWaiting(rule);
        RuleCount++;
        if (!rule.IsRevoked) _table.Revive(rule.Slot, SerialOf(rule.Handle));
        _completions.Enqueue(new NicCompletion(NicOperation.Create, rule.Handle, rule.UserData, new NicCounters(0, 0, -1), null));
    }

    /// <summary>There is no program for the rules that it was drawn for. Whether there is one for those that ask for more has not been tried.</summary>
    private void FailWaiting(Drawing drawing, FlowError refused)
    {
        // A run may have read the number of a slot that was never alive.
        _table.Quiesce();
        foreach (Rule rule in Waiting(drawing.Covers))
        {
            StopWaiting(rule);
            TakeOut(rule);
            _completions.Enqueue(new NicCompletion(NicOperation.Create, rule.Handle, rule.UserData, new NicCounters(0, 0, -1), refused));
        }

        _templates.RemoveAll(static t => t.RuleCount == 0);
    }

    private Rule[] Waiting(Func<Rule, bool> isMeant) => [.. _waiting.Where(isMeant)];

    private void StopWaiting(Rule rule)
    {
        _waiting.Remove(rule.Wait!);
        rule.Wait = null;
    }

    /// <summary>The end of who verifies: it reads descriptors of what is disposed behind it.</summary>
    private void EndMaking()
    {
        if (_making is not { } making) return;
        ((IAsyncResult)making).AsyncWaitHandle.WaitOne();
        if (making.IsCompletedSuccessfully) making.Result.Dispose();
    }

    /// <summary>What programs are written for.</summary>
    /// <param name="Templates">Masks, in the order in which they are searched.</param>
    /// <param name="Features">What some rule asks for.</param>
    /// <param name="Shadow">Which hits are copied up.</param>
    /// <param name="Sockets">Ports with a form of their own.</param>
    /// <param name="Number"><see cref="_drawn"/> when it was begun.</param>
    private sealed record Drawing(KernelTemplate[] Templates, KernelFeatures Features, KernelShadow Shadow, KernelXdp[] Sockets, int Number)
    {
        /// <summary>The program finds the rule, and does all that it asks for.</summary>
        public bool Covers(Rule rule) => Templates.Contains(rule.Template) && (rule.Actions.Features & ~Features) == 0;
    }

    /// <summary>Verified programs that are not in place, or why there are none.</summary>
    private sealed class Programs(Drawing drawing) : IDisposable
    {
        public Drawing Drawing { get; } = drawing;

        public BpfProgram? Main { get; set; }

        public List<(KernelXdp Port, BpfProgram Program)> Forms { get; } = [];

        public FlowError? Refused { get; set; }

        public void Dispose()
        {
            Main?.Dispose();
            foreach ((_, BpfProgram program) in Forms) program.Dispose();
        }
    }
}
