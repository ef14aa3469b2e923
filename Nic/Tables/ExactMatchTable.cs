namespace Mergeflow.Nic;


/// <summary>The exact-match table: a bounded number of templates with a bounded number of rules in all.</summary>
internal sealed unsafe class ExactMatchTable(int capacity, int maxTemplates, ulong seed) : IDisposable
{
    private readonly ExactMatchTemplate[] _templates = new ExactMatchTemplate[maxTemplates];

    /// <summary>Rules in the table.</summary>
    public int Count { get; private set; }

    /// <summary>Templates in use.</summary>
    public int TemplateCount { get; private set; }

    /// <summary>The rule that matches; null if there is none. Rules that overlap agree, so the first is as good as any.</summary>
    public RuleBlock* Find(ref NicKey key)
    {
        for (int i = 0; i < TemplateCount; i++)
        {
            RuleBlock* rule = _templates[i].Find(ref key);
            if (rule != null) return rule;
        }
        return null;
    }

    /// <summary>Adds a rule.</summary>
    public FlowErrno Insert(ref NicKey mask, ref NicKey value, RuleBlock* rule)
    {
        if (Count >= capacity) return FlowErrno.NoSpace;
        int at = IndexOf(ref mask);
        if (at < 0)
        {
            if (TemplateCount >= maxTemplates) return FlowErrno.NoTemplate;
            at = TemplateCount;
            _templates[TemplateCount++] = new ExactMatchTemplate(ref mask, seed);
        }
        if (!_templates[at].Insert(ref value, rule)) return FlowErrno.Exists;
        Count++;
        return FlowErrno.None;
    }

    /// <summary>Removes a rule that is there; the last rule of a template frees it.</summary>
    public void Remove(ref NicKey mask, ref NicKey value)
    {
        int at = IndexOf(ref mask);
        _templates[at].Remove(ref value);
        Count--;
        if (_templates[at].Count > 0) return;
        _templates[at].Dispose();
        _templates[at] = _templates[--TemplateCount];
    }

    /// <summary>Removes everything.</summary>
    public void Clear()
    {
        for (int i = 0; i < TemplateCount; i++) _templates[i].Dispose();
        TemplateCount = Count = 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Clear();

    private int IndexOf(ref NicKey mask)
    {
        for (int i = 0; i < TemplateCount; i++)
        {
            NicKey m = _templates[i].Mask;
            if (m.Bytes.SequenceEqual(mask.Bytes)) return i;
        }
        return -1;
    }
}
